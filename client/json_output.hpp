/// Messages of the API as JSON on standard output, for programs.
#pragma once

#include <google/protobuf/util/json_util.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace chistream {

/// An array, with the field names of proto/qsm/v1.
template <class Messages>
void print_json(Messages const& messages) {
  auto all = nlohmann::json::array();
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  for (auto const& message : messages) {
    std::string text;
    if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok())
      throw std::logic_error("a message that is no JSON");
    all.push_back(nlohmann::json::parse(text));
  }
  std::cout << all.dump(2) << '\n';
}

}  // namespace chistream
