/* Reading the options of the examples: `-f 10`, `--flows 10`, `--flows=10`. SPDX-License-Identifier: Apache-2.0 */
#ifndef RHEOS_EXAMPLES_OPTIONS_H
#define RHEOS_EXAMPLES_OPTIONS_H

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

/// Something the user has to mend: the program says it and ends with 2.
[[noreturn]] inline void refuse(const std::string &message, const std::string &hint = "")
{
    std::cerr << "error: " << message << '\n';
    if (!hint.empty())
        std::cerr << "hint: " << hint << '\n';
    std::exit(2);
}

/// Options with their values; anything that was not declared is refused.
class Options
{
public:
    struct Option
    {
        std::string name;
        char letter = 0;
        bool has_value = true;
    };

    explicit Options(std::vector<Option> known) : m_known(std::move(known)) {}

    void parse(int argc, char **argv)
    {
        for (int i = 1; i < argc; ++i) {
            std::string word = argv[i];
            std::string value;
            const auto equals = word.rfind("--", 0) == 0 ? word.find('=') : std::string::npos;
            if (equals != std::string::npos) {
                value = word.substr(equals + 1);
                word.resize(equals);
            }
            const Option &option = find(word);
            if (!option.has_value) {
                if (equals != std::string::npos)
                    refuse("`" + word + "` takes no value");
            } else if (equals == std::string::npos) {
                if (i + 1 == argc)
                    refuse("`" + word + "` needs a value", "write `" + word + " VALUE`");
                value = argv[++i];
            }
            m_given[option.name] = value;
        }
    }

    bool has(const std::string &name) const { return m_given.count(name) != 0; }

    std::string text(const std::string &name, const std::string &otherwise = "") const
    {
        const auto found = m_given.find(name);
        return found == m_given.end() ? otherwise : found->second;
    }

    /// A whole number.
    std::uint64_t whole(const std::string &name, std::uint64_t otherwise) const
    {
        return has(name) ? read<std::uint64_t>(name, m_given.at(name), "a whole number") : otherwise;
    }

    double number(const std::string &name, double otherwise) const
    {
        return has(name) ? read<double>(name, m_given.at(name), "a number") : otherwise;
    }

    template <class T>
    static T read(const std::string &name, const std::string &text, const std::string &what)
    {
        T value{};
        const char *end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, value);
        if (read.ec != std::errc() || read.ptr != end)
            refuse("`" + text + "` of `--" + name + "` is not " + what);
        return value;
    }

    /// The parts between separators.
    static std::vector<std::string> split(const std::string &text, char separator)
    {
        std::vector<std::string> parts;
        std::string::size_type start = 0;
        while (start <= text.size()) {
            const auto end = std::min(text.find(separator, start), text.size());
            parts.push_back(text.substr(start, end - start));
            start = end + 1;
        }
        return parts;
    }

private:
    const Option &find(const std::string &word) const
    {
        for (const Option &option : m_known) {
            if (word == "--" + option.name || (option.letter != 0 && word == std::string{'-', option.letter}))
                return option;
        }
        refuse("there is no option `" + word + "`", "`--help` lists them");
    }

    std::vector<Option> m_known;
    std::map<std::string, std::string> m_given;
};

#endif
