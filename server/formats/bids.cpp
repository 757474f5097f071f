#include "formats/bids.hpp"

#include <charconv>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "formats/format_error.hpp"

namespace chistream {

namespace fs = std::filesystem;

namespace {

struct Echo {
  fs::path magnitude;
  fs::path phase;
};

using Series = std::map<int, Echo>;  // by echo number

/// "sub-1_acq-a_echo-2_part-mag_MEGRE.nii.gz" is echo 2 of the series "sub-1_acq-a_MEGRE".
struct Name {
  std::string series;
  std::string part;
  int echo = 1;
};

std::optional<Name> parse_name(std::string file) {
  if (file.ends_with(".gz")) file.resize(file.size() - 3);
  if (!file.ends_with(".nii")) return std::nullopt;
  file.resize(file.size() - 4);
  Name name;
  std::istringstream entities(file);
  for (std::string entity; std::getline(entities, entity, '_');) {
    if (entity.starts_with("part-")) {
      name.part = entity.substr(5);
    } else if (entity.starts_with("echo-")) {
      auto const [end, error] =
          std::from_chars(entity.data() + 5, entity.data() + entity.size(), name.echo);
      if (error != std::errc() || end != entity.data() + entity.size()) return std::nullopt;
    } else {
      name.series += entity + '_';
    }
  }
  if (name.part != "mag" && name.part != "phase") return std::nullopt;
  return name;
}

std::map<std::string, Series> find_series(fs::path const& folder) {
  std::map<std::string, Series> found;
  std::error_code error;
  fs::recursive_directory_iterator files(folder, error);
  if (error) throw FormatError("FILE_UNREADABLE", "the folder cannot be read: " + error.message());
  for (auto const& entry : files) {
    auto const name = parse_name(entry.path().filename());
    if (!entry.is_regular_file() || !name) continue;
    auto& echo = found[(entry.path().parent_path() / name->series).string()][name->echo];
    (name->part == "mag" ? echo.magnitude : echo.phase) = entry.path();
  }
  return found;
}

nlohmann::json sidecar(fs::path path) {
  if (path.extension() == ".gz") path.replace_extension();
  path.replace_extension(".json");
  std::ifstream file(path);
  auto const json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object())
    throw FormatError("BIDS_SIDECAR", "missing or damaged: " + path.filename().string());
  return json;
}

double number(nlohmann::json const& json, char const* key, double otherwise) {
  auto const found = json.find(key);
  if (found == json.end()) return otherwise;
  if (!found->is_number()) throw FormatError("BIDS_SIDECAR", std::string(key) + " is not a number");
  return found->get<double>();
}

void read_field(nlohmann::json const& json, ImageFiles& files) {
  files.b0_t = number(json, "MagneticFieldStrength", 0);
  files.frequency_hz = 1e6 * number(json, "ImagingFrequency", 0);
  files.vendor = json.value("Manufacturer", nlohmann::json()).is_string()
                     ? json["Manufacturer"].get<std::string>()
                     : std::string();
  if (json.value("Units", nlohmann::json()) == "rad") files.phase_units = PhaseUnits::kRadians;
  auto const direction = json.find("B0_dir");
  if (direction == json.end()) return;
  if (!direction->is_array() || direction->size() != 3)
    throw FormatError("BIDS_SIDECAR", "B0_dir is not a list of three numbers");
  std::array<double, 3> b0{};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!(*direction)[i].is_number())
      throw FormatError("BIDS_SIDECAR", "B0_dir is not a list of three numbers");
    b0[i] = (*direction)[i].get<double>();
  }
  files.b0_direction = b0;
}

}  // namespace

bool holds_bids_images(fs::path const& folder) {
  return !find_series(folder).empty();
}

ImageFiles find_bids_series(fs::path const& folder) {
  auto const found = find_series(folder);
  if (found.empty())
    throw FormatError("BIDS_NO_SERIES", "the folder holds no *_part-mag and *_part-phase images");
  if (found.size() > 1)
    throw FormatError("BIDS_AMBIGUOUS",
                      "the folder holds " + std::to_string(found.size()) + " series",
                      "name the folder of one series, or give magnitude and phase files");
  ImageFiles files;
  for (auto const& [number_of_echo, echo] : found.begin()->second) {
    std::string const name = "echo " + std::to_string(number_of_echo);
    if (echo.phase.empty()) throw FormatError("MISSING_PHASE", name + " has no phase image");
    if (echo.magnitude.empty())
      throw FormatError("MISSING_MAGNITUDE", name + " has no magnitude image");
    auto const json = sidecar(echo.phase);
    files.te_s.push_back(number(json, "EchoTime", 0));
    if (files.phase.empty()) read_field(json, files);
    files.magnitude.push_back(echo.magnitude);
    files.phase.push_back(echo.phase);
  }
  return files;
}

}  // namespace chistream
