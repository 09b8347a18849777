// The layers below and above what users say (config.md 1). Internal to agent/config_*.
#pragma once

#include "agent/config_file.h"

namespace praetor::agent {

ConfigFile default_config();        // the lowest layer
ConfigFile dev_config();            // over it, with -dev
ConfigFile fixed_config(bool dev);  // over everything: values that users cannot set

}  // namespace praetor::agent
