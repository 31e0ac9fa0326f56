//! Errors that cross the border: a code, a message, and what to do about it.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use rheos_gen::flows::FlowError;

use crate::guarded;

/// Kinds of errors; further ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum ErrorCode {
    /// A null pointer, or a text that is not UTF-8.
    Argument = 1,
    /// A value or a file that is no configuration; the message names the key and the line.
    Config = 2,
    /// A file that cannot be read.
    Io = 3,
    /// A checkpoint that is damaged, or of another configuration.
    Checkpoint = 4,
    /// Nothing a caller can do about it: a defect of the library.
    Internal = 5,
}

/// Why something failed.
#[derive(Debug)]
pub struct Error {
    code: ErrorCode,
    message: CString,
    hint: CString,
}

impl Error {
    pub(crate) fn new(code: ErrorCode, message: &str, hint: &str) -> Self {
        let text = |text: &str| CString::new(text.replace('\0', " ")).unwrap_or_default();
        Self { code, message: text(message), hint: text(hint) }
    }

    pub(crate) fn argument(message: &str, hint: &str) -> Self {
        Self::new(ErrorCode::Argument, message, hint)
    }

    pub(crate) fn internal() -> Self {
        let hint = "please report it with the configuration that leads to it";
        Self::new(ErrorCode::Internal, "an internal error", hint)
    }

    pub(crate) fn from_flow(code: ErrorCode, error: &FlowError) -> Self {
        Self::new(code, &error.to_string(), &error.hint().unwrap_or_default())
    }
}

/// Runs `work`; an error or panic is put into `error`, if there is room, and gives `otherwise`.
pub(crate) unsafe fn reporting<T>(
    error: *mut *mut Error,
    otherwise: T,
    work: impl FnOnce() -> Result<T, Error>,
) -> T {
    match guarded(Err(Error::internal()), work) {
        Ok(value) => value,
        Err(problem) => {
            // SAFETY: null, or a pointer to a place for an error, as the interface asks.
            if let Some(place) = unsafe { error.as_mut() }
                && place.is_null()
            {
                *place = Box::into_raw(Box::new(problem));
            }
            otherwise
        }
    }
}

/// A text from C.
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(Error::argument(&format!("`{name}` is null"), "give a text"));
    }
    // SAFETY: not null, and ends with a zero, as the interface asks.
    let text = unsafe { CStr::from_ptr(text) };
    let not_utf8 =
        |_| Error::argument(&format!("`{name}` is not UTF-8"), "texts are UTF-8, paths too");
    text.to_str().map_err(not_utf8)
}

/// What kind of error it is; 0 without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_error_code_of(error: *const Error) -> u32 {
    // SAFETY: null or live, as the interface asks.
    unsafe { error.as_ref() }.map_or(0, |error| error.code as u32)
}

/// What went wrong, in one line; lives as long as the error. Empty without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_error_message(error: *const Error) -> *const c_char {
    // SAFETY: null or live, as the interface asks.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// What to do about it; lives as long as the error. Empty where there is nothing to say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_error_hint(error: *const Error) -> *const c_char {
    // SAFETY: null or live, as the interface asks.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.hint.as_ptr())
}

/// Frees an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_error_free(error: *mut Error) {
    if !error.is_null() {
        // SAFETY: made by `Box::into_raw`, and freed once, as the interface asks.
        drop(unsafe { Box::from_raw(error) });
    }
}

/// An object from C, to read.
pub(crate) unsafe fn object<'a, T>(object: *const T, name: &str) -> Result<&'a T, Error> {
    // SAFETY: null or live, as the interface asks.
    unsafe { object.as_ref() }.ok_or_else(|| null(name))
}

/// An object from C, to change.
pub(crate) unsafe fn object_mut<'a, T>(object: *mut T, name: &str) -> Result<&'a mut T, Error> {
    // SAFETY: null or live and used by this thread only, as the interface asks.
    unsafe { object.as_mut() }.ok_or_else(|| null(name))
}

fn null(name: &str) -> Error {
    Error::argument(&format!("`{name}` is null"), "make it with its `_new` function")
}

/// An owned object for C.
pub(crate) fn handed_out<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Nothing, for C.
pub(crate) const fn nothing<T>() -> *mut T {
    ptr::null_mut()
}
