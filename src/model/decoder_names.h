// Names of Go's decoders (codec/decoder_name.h) that more than one description gives.
#pragma once

namespace praetor::model {

inline constexpr const char* kServiceConnectDecoder =
    "struct { SidecarServiceSnake *structs.ServiceDefinition \"json:\\\"sidecar_service\\\"\"; "
    "*structs.Alias }";

}  // namespace praetor::model
