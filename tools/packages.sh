# The Debian packages that Heddle needs, and a function that installs those that are missing.
# Sourced by run-demo and run-tests.

# To build and run.
build_packages=(
  g++ make cmake ninja-build pkg-config ccache verilator yosys
  libfmt-dev libcli11-dev nlohmann-json3-dev libdnnl-dev libeigen3-dev libisl-dev libpng-dev libjpeg62-turbo-dev libpcre2-dev
  libgtest-dev librapidcheck-dev libbenchmark-dev
)
# To run the tests.
test_packages=(python3 python3-numpy)
# To check format and style, to look at pages, and to fuzz.
check_packages=(chromium clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev)

# install_packages PACKAGE...: does nothing at all when every package is there.
install_packages() {
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    echo "error: this is not a Debian-like system: install the counterparts of these packages by hand," >&2
    echo "then run cmake and ninja yourself (README.md): $*" >&2
    return 1
  fi
  local package missing=()
  for package in "$@"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null)" == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    as_root=(sudo)
    if ! command -v sudo > /dev/null; then
      echo "error: these packages are missing and there is no sudo; as root, run:" >&2
      echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
      return 1
    fi
  fi
  echo "Installing with apt: ${missing[*]}"
  if ! "${as_root[@]}" apt-get -qq update ||
    ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -qq install -y --no-install-recommends "${missing[@]}" > /dev/null; then
    echo "error: apt could not install them (its message is above). Heddle is built on Debian 12;" >&2
    echo "check the network and that your release has these packages: ${missing[*]}" >&2
    return 1
  fi
}
