# Build tools of the machine: g++ 12 or newer, cmake 3.25 or newer, ninja. They are the only thing ever installed on the
# host, by plain apt-get, and only if one is missing.

HOST_COMMANDS="g++ gcc cmake ctest ninja apt-get apt-cache dpkg-deb flock sha256sum tar gzip awk sed xargs"

missing_host_commands() {
  local command
  for command in $HOST_COMMANDS; do
    command -v "$command" >/dev/null 2>&1 || printf '%s ' "$command"
  done
}

host_package_of() {
  case $1 in
    g++ | gcc) echo g++ ;;
    cmake | ctest) echo cmake ;;
    ninja) echo ninja-build ;;
    flock) echo util-linux ;;
    awk) echo mawk ;;
    xargs) echo findutils ;;
    *) echo "$1" ;;
  esac
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    die "this needs root: $*" "Run it as root, or install sudo, then start again."
  fi
}

install_host_packages() {
  say "installing build tools on this machine with apt-get: $*"
  retry 3 as_root apt-get update -q || die "apt-get update failed"
  retry 3 as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" ||
    die "could not install: $*"
}

ensure_host_tools() {
  [ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m); only x86_64 is supported so far"
  local missing packages command version
  missing=$(missing_host_commands)
  if [ -n "$missing" ]; then
    for command in apt-get dpkg-deb; do
      case " $missing " in
        *" $command "*)
          die "'$command' is missing: set-up needs Debian 12 or newer" "The Dockerfile does the same in a container." ;;
      esac
    done
    packages=$(for command in $missing; do host_package_of "$command"; done | sort -u)
    # shellcheck disable=SC2086  # one word per package
    install_host_packages $packages
  fi
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || install_host_packages debian-archive-keyring
  version=$(g++ -dumpfullversion)
  version_at_least "$version" 12 || die "g++ 12 or newer is needed, this machine has $version"
  version=$(cmake --version | awk 'NR == 1 {print $3}')
  version_at_least "$version" 3.25 || die "cmake 3.25 or newer is needed, this machine has $version"
}
