#include "formats/dicom/attributes.hpp"

#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace chistream::dicom {

namespace {

std::string trimmed(std::string value) {
  auto const padding = [](char c) { return c == ' ' || c == '\0'; };
  while (!value.empty() && padding(value.back())) value.pop_back();
  std::size_t start = 0;
  while (start < value.size() && padding(value[start])) ++start;
  return value.substr(start);
}

std::optional<double> parsed(std::string const& value) {
  char const* begin = value.data();
  if (!value.empty() && *begin == '+') ++begin;
  double result = 0;
  auto const [end, error] = std::from_chars(begin, value.data() + value.size(), result);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(result))
    return std::nullopt;
  return result;
}

template <class Number>
Number little_endian(Uint8 const* bytes) {
  Number value;  // hosts are little endian, as elsewhere (container/framing.hpp)
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

/// What a router left of an element it did not know.
std::optional<double> number_of_bytes(DcmElement& element, bool real) {
  Uint8* bytes = nullptr;
  if (element.getUint8Array(bytes).bad() || !bytes) return std::nullopt;
  std::size_t const size = element.getLength();
  if (real && size == 4) return little_endian<float>(bytes);
  if (!real && size == 2) return little_endian<std::int16_t>(bytes);
  if (!real && size == 4) return little_endian<std::int32_t>(bytes);
  return parsed(trimmed({reinterpret_cast<char const*>(bytes), size}));
}

}  // namespace

std::vector<std::string> components(std::string const& all) {
  std::vector<std::string> parts;
  if (all.empty()) return parts;
  for (std::size_t start = 0; start <= all.size();) {
    std::size_t const end = std::min(all.find('\\', start), all.size());
    parts.push_back(trimmed(all.substr(start, end - start)));
    start = end + 1;
  }
  return parts;
}

std::string text(DcmItem& item, DcmTagKey const& tag) {
  OFString value;
  if (item.findAndGetOFStringArray(tag, value).bad()) return "";
  return trimmed({value.data(), value.size()});
}

std::vector<std::string> texts(DcmItem& item, DcmTagKey const& tag) {
  return components(text(item, tag));
}

std::vector<double> parse_numbers(std::string const& text) {
  std::vector<double> values;
  for (auto const& part : components(text)) {
    auto const value = parsed(part);
    if (!value) return {};
    values.push_back(*value);
  }
  return values;
}

std::vector<double> numbers(DcmItem& item, DcmTagKey const& tag) {
  return parse_numbers(text(item, tag));
}

std::optional<double> number(DcmItem& item, DcmTagKey const& tag) {
  auto const values = numbers(item, tag);
  if (values.empty()) return std::nullopt;
  return values.front();
}

std::uint32_t count(DcmItem& item, DcmTagKey const& tag) {
  double const value = number(item, tag).value_or(0);
  return value > 0 && value < 0x1p31 ? static_cast<std::uint32_t>(value) : 0;
}

std::optional<double> private_number(DcmItem& item, std::uint16_t group, std::uint8_t element,
                                     std::string const& creator, bool real) {
  for (unsigned block = 0x10; block <= 0xff; ++block) {
    if (text(item, DcmTagKey(group, static_cast<std::uint16_t>(block))) != creator) continue;
    DcmTagKey const tag(group, static_cast<std::uint16_t>(block << 8 | element));
    DcmElement* found = nullptr;
    if (item.findAndGetElement(tag, found).bad() || !found) return std::nullopt;
    auto const vr = found->getVR();
    if (vr == EVR_UN || vr == EVR_OB) return number_of_bytes(*found, real);
    return number(item, tag);
  }
  return std::nullopt;
}

DcmItem* first_item(DcmItem& item, DcmTagKey const& sequence) {
  DcmItem* found = nullptr;
  return item.findAndGetSequenceItem(sequence, found, 0).good() ? found : nullptr;
}

}  // namespace chistream::dicom
