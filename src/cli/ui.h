// What a command sees of the outside: its output, its input, the environment. Tests pass their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace praetor::cli {

// One thread at a time, except where a command says that it writes from several (then it locks).
class Ui {
 public:
  virtual ~Ui() = default;
  virtual void write_out(std::string_view text) = 0;
  virtual void write_err(std::string_view text) = 0;
  // Standard input up to its end.
  virtual Result<std::string> read_in() = 0;
  virtual std::optional<std::string> env(const std::string& name) const = 0;
  // The name the program was started under, as help texts show it.
  virtual std::string program() const = 0;

  // A line of results; a line about a failure.
  void print(std::string_view line) { write_out(std::string(line) + "\n"); }
  void error(std::string_view line) { write_err(std::string(line) + "\n"); }
  void warn(std::string_view line) { error(line); }
};

// The process's own streams, unbuffered: what was written is seen even when the next step blocks.
class ProcessUi : public Ui {
 public:
  explicit ProcessUi(std::string program) : program_(std::move(program)) {}
  void write_out(std::string_view text) override;
  void write_err(std::string_view text) override;
  Result<std::string> read_in() override;
  std::optional<std::string> env(const std::string& name) const override;
  std::string program() const override { return program_; }

 private:
  std::string program_;
};

// Whole file as text, or Go's wording: `open x: no such file or directory`.
Result<std::string> read_file(const std::string& path);

// What an argument stands for: `@file` its content, `-` standard input, anything else itself.
Result<std::string> read_data(const std::string& argument, Ui& ui);

}  // namespace praetor::cli
