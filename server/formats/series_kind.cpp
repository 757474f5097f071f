#include "formats/series_kind.hpp"

#include <algorithm>

namespace chistream {

namespace {

/// "LOCAL_FIELD" behind the prefix as "local-field".
std::string spoken(std::string const& value, std::string_view prefix) {
  std::string name = value.substr(prefix.size());
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return name;
}

/// The values of an enum but for the first, which means nothing.
template <class Enum>
std::vector<Enum> all_values(Enum last) {
  std::vector<Enum> all;
  for (int k = 1; k <= last; ++k) all.push_back(static_cast<Enum>(k));
  return all;
}

template <class Enum, class Name>
std::optional<Enum> called(std::string const& name, Enum last, Name const& name_of) {
  for (auto const value : all_values(last))
    if (name_of(value) == name) return value;
  return std::nullopt;
}

}  // namespace

std::string series_name(qsm::v1::SeriesKind kind) {
  return spoken(qsm::v1::SeriesKind_Name(kind), "SERIES_KIND_");
}

std::vector<qsm::v1::SeriesKind> all_series() {
  return all_values(qsm::v1::SeriesKind_MAX);
}

std::optional<qsm::v1::SeriesKind> series_called(std::string const& name) {
  return called(name, qsm::v1::SeriesKind_MAX, series_name);
}

std::string object_name(qsm::v1::DicomObject object) {
  return spoken(qsm::v1::DicomObject_Name(object), "DICOM_OBJECT_");
}

std::vector<qsm::v1::DicomObject> all_objects() {
  return all_values(qsm::v1::DicomObject_MAX);
}

std::optional<qsm::v1::DicomObject> object_called(std::string const& name) {
  return called(name, qsm::v1::DicomObject_MAX, object_name);
}

std::optional<qsm::v1::ContentQualification> qualification_called(std::string const& name) {
  return called(name, qsm::v1::ContentQualification_MAX, [](qsm::v1::ContentQualification value) {
    return spoken(qsm::v1::ContentQualification_Name(value), "CONTENT_QUALIFICATION_");
  });
}

}  // namespace chistream
