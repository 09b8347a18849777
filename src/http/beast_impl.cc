// The one place where Beast's separately compiled parts are built.
#include <boost/beast/src.hpp>
