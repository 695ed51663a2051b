# The private dependency prefix: Debian packages newer than the machine's, unpacked into one folder, never installed.
#
#   $SIROCCO_CACHE/apt             private apt root: lists, downloaded packages (kept, so that unpacking works offline)
#   $SIROCCO_CACHE/packages.lock   what the prefix consists of: name, version, SHA256, file; one package a line
#   $SIROCCO_CACHE/prefix          the result; prefix/.sirocco-stamp holds the hash of lock and recipe it was made from
#
# Safety: a private apt root does NOT keep apt-get from running the host's dpkg on the host. So every call goes through
# private_apt, which passes Dir::Bin::dpkg=/bin/false and knows only verbs that unpack nothing.

PREFIX_RECIPE=1  # raise it when unpack_prefix changes in a way that makes older prefixes unusable
APT_ROOT=$SIROCCO_CACHE/apt
ARCHIVES=$APT_ROOT/var/cache/apt/archives
PREFIX_LOCK=$SIROCCO_CACHE/packages.lock
PACKAGES_FILE=$SIROCCO_ROOT/scripts/packages.txt

wanted_packages() { awk '!/^#/ && NF {print $1}' "$PACKAGES_FILE"; }

# private_apt update | download PACKAGE... | simulate PACKAGE... | show PACKAGE...
private_apt() {
  local verb=$1
  shift
  local options=(
    -o "Dir=$APT_ROOT" -o "Dir::State::status=$APT_ROOT/var/lib/dpkg/status" -o Dir::Bin::dpkg=/bin/false
    -o APT::Install-Recommends=false -o APT::Sandbox::User= -o Acquire::Retries=5 -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
    -o Acquire::http::Timeout=60 -o Acquire::https::Timeout=60)
  case $verb in
    update) APT_CONFIG=$APT_ROOT/apt.conf apt-get "${options[@]}" -q update -o APT::Update::Error-Mode=any ;;
    download) APT_CONFIG=$APT_ROOT/apt.conf apt-get "${options[@]}" -q -y install --download-only "$@" ;;
    simulate) APT_CONFIG=$APT_ROOT/apt.conf apt-get "${options[@]}" -s install "$@" ;;
    show) APT_CONFIG=$APT_ROOT/apt.conf apt-cache "${options[@]}" show --no-all-versions "$@" ;;
    *) die "private_apt: unknown verb '$verb'" ;;
  esac
}

# Address of the Debian archive in the machine's own apt sources: the first enabled `deb` entry whose suite is one of
# Debian's (third-party sources name other suites) and not the security archive. $1: another folder in place of /etc.
archive_address() {
  local etc=${1:-/etc}
  if [ -n "${SIROCCO_MIRROR:-}" ]; then
    echo "$SIROCCO_MIRROR"
    return
  fi
  local codename address files=()
  codename=$(. "$etc/os-release" && echo "${VERSION_CODENAME:-}")
  for file in "$etc"/apt/sources.list.d/*.sources; do [ -e "$file" ] && files+=("$file"); done
  address=$(awk -v codename="$codename" '
    function ours(suite) {
      return suite == codename || suite ~ /^(stable|testing|unstable|sid|bookworm|trixie|forky)(-updates|-backports)?$/
    }
    function finish() {
      if (uri != "" && is_deb && good && !disabled) { print uri; found = 1; exit }
      uri = ""; is_deb = good = disabled = 0
    }
    FNR == 1 && NR > 1 { finish() }
    /^[ \t]*$/ { finish(); next }
    /^Types:/ { for (i = 2; i <= NF; i++) if ($i == "deb") is_deb = 1 }
    /^URIs:/ { uri = $2 }
    /^Suites:/ { for (i = 2; i <= NF; i++) if (ours($i)) good = 1 }
    tolower($0) ~ /^enabled:[ \t]*no/ { disabled = 1 }
    END { if (!found) finish() }' "${files[@]:-/dev/null}")
  if [ -z "$address" ]; then
    files=()
    for file in "$etc"/apt/sources.list "$etc"/apt/sources.list.d/*.list; do [ -e "$file" ] && files+=("$file"); done
    address=$(awk -v codename="$codename" '
      $1 == "deb" {
        sub(/\[[^]]*\]/, "")
        if ($3 == codename || $3 ~ /^(stable|testing|unstable|sid|bookworm|trixie|forky)(-updates|-backports)?$/) {
          print $2; exit
        }
      }' "${files[@]:-/dev/null}")
  fi
  [ -n "$address" ] || die "no Debian archive in this machine's apt sources" \
    "Set SIROCCO_MIRROR to the address of one, as it would stand in sources.list."
  echo "$address"
}

prepare_apt_root() {
  mkdir -p "$APT_ROOT"/etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} \
    "$APT_ROOT"/var/lib/{apt/lists/partial,dpkg} "$ARCHIVES/partial"
  : >"$APT_ROOT/var/lib/dpkg/status"
  rm -f "$APT_ROOT"/etc/apt/apt.conf.d/*
  # Proxies and validity settings of the machine hold for us too; its hooks do not.
  local file
  for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    [ -f "$file" ] && [ -r "$file" ] && cp "$file" "$APT_ROOT/etc/apt/apt.conf.d/"
  done
  cat >"$APT_ROOT/etc/apt/apt.conf.d/zz-sirocco" <<'CONF'
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
CONF
  # Read before all other configuration, so that the machine's own folder of it is not read a second time.
  printf 'Dir "%s/";\n' "$APT_ROOT" >"$APT_ROOT/apt.conf"
  local address
  address=$(archive_address)
  say "Debian archive: $address (suite sid)"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s sid main\n' "$address" \
    >"$APT_ROOT/etc/apt/sources.list"
}

# Prints "  <MB so far> MB" every few seconds until killed: apt's own progress is unreadable in a log.
report_download() {
  local mb last=-1
  while sleep 5; do
    mb=$(du -sm "$ARCHIVES" 2>/dev/null | cut -f1)
    [ "$mb" = "$last" ] || say "  $mb MB of about 700 MB downloaded"
    last=$mb
  done
}

# One attempt: index and packages together, because a stale index answers with "not found".
update_and_download() {
  local log=$SIROCCO_CACHE/apt.log reporter status=0
  say "reading the archive's index"
  if ! private_apt update >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    return 1
  fi
  check_minimum_versions
  say "downloading packages (what is there already is not fetched again)"
  report_download 9>&- &
  reporter=$!
  # shellcheck disable=SC2046  # one word per package
  private_apt download $(wanted_packages) >"$log" 2>&1 || status=$?
  kill "$reporter" 2>/dev/null || true
  wait "$reporter" 2>/dev/null || true
  [ "$status" -eq 0 ] || tail -n 5 "$log" >&2
  return "$status"
}

check_minimum_versions() {
  local name word minimum version
  while read -r name word minimum; do
    [ "$word" = minimum ] || continue
    version=$(private_apt show "$name" 2>/dev/null | awk '/^Version:/ {print $2; exit}')
    version=${version#*:}
    [ -n "$version" ] || die "the archive has no package $name"
    version_at_least "$version" "$minimum" || die "the archive has $name $version; $minimum or newer is needed"
    case $name in
      mysql-server-core)
        case $version in
          9.7.*) ;;
          *) [ -n "${SIROCCO_ALLOW_NEWER_MYSQL:-}" ] || die "the archive has MySQL $version; the plugin is made for 9.7" \
               "Name an existing 9.7 with --mysql-basedir and --mysql-source, or point SIROCCO_MIRROR at a snapshot" \
               "of the archive, or try the newer one with SIROCCO_ALLOW_NEWER_MYSQL=1." ;;
        esac ;;
    esac
  done < <(grep -v '^#' "$PACKAGES_FILE")
}

# Writes the lock file for what apt resolved; all packages are in $ARCHIVES then.
write_lock() {
  local names
  # shellcheck disable=SC2046
  names=$(private_apt simulate $(wanted_packages) | awk '/^Inst / {print $2}' | sort -u)
  [ -n "$names" ] || die "apt resolved no packages"
  # shellcheck disable=SC2086
  private_apt show $names | awk '
    function flush() {
      if (name == "") return
      file = version; gsub(/:/, "%3a", file)
      print name, version, sha, name "_" file "_" arch ".deb"
      name = ""
    }
    /^Package:/ { flush(); name = $2 }
    /^Version:/ { version = $2 }
    /^Architecture:/ { arch = $2 }
    /^SHA256:/ { sha = $2 }
    END { flush() }' | LC_ALL=C sort >"$PREFIX_LOCK.new"
  [ "$(wc -l <"$PREFIX_LOCK.new")" -eq "$(wc -w <<<"$names")" ] || die "the lock file would be incomplete: $PREFIX_LOCK.new"
  verify_packages "$PREFIX_LOCK.new" || die "downloaded packages do not match the archive's index"
  mv "$PREFIX_LOCK.new" "$PREFIX_LOCK"
}

# True if every package of a lock file is in $ARCHIVES with the right content.
verify_packages() {
  awk '{print $3 "  " $4}' "$1" | (cd "$ARCHIVES" && sha256sum --check --status --strict - 2>/dev/null)
}

prune_packages() {
  local file
  for file in "$ARCHIVES"/*.deb; do
    grep -qF " $(basename "$file")" "$PREFIX_LOCK" || rm -f "$file"
  done
}

lock_hash() {
  { echo "recipe $PREFIX_RECIPE"; wanted_packages; cat "$PREFIX_LOCK"; } | sha256sum | cut -d' ' -f1
}

# Version of a package in the lock file.
locked_version() { awk -v name="$1" '$1 == name {print $2}' "$PREFIX_LOCK"; }

prefix_is_ready() {
  [ -s "$PREFIX_LOCK" ] && [ -s "$PREFIX/.sirocco-stamp" ] && [ "$(cat "$PREFIX/.sirocco-stamp")" = "$(lock_hash)" ]
}

# Unpacks the locked packages to $1. mysql-source is left out: mysql_source.sh unpacks the part needed elsewhere.
unpack_prefix() {
  local root=$1 file count=0 total folder
  rm -rf "$root"
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
  for folder in bin sbin lib lib64; do ln -sfn "usr/$folder" "$root/$folder"; done
  total=$(wc -l <"$PREFIX_LOCK")
  while read -r _ _ _ file; do
    count=$((count + 1))
    case $file in mysql-source_*) continue ;; esac
    [ $((count % 50)) -ne 0 ] || say "  unpacked $count of $total packages"
    dpkg-deb -x "$ARCHIVES/$file" "$root" || die "cannot unpack $file"
  done <"$PREFIX_LOCK"
  repair_prefix "$root"
}

# What maintainer scripts would have done, and slips of single packages.
repair_prefix() {
  local root=$1 lib=$1/usr/lib/$MULTIARCH name file documents
  for name in libblas.so.3 liblapack.so.3 libblas.so liblapack.so libopenblas.so libopenblas.so.0; do
    [ ! -e "$lib/openblas-pthread/$name" ] || ln -sfn "openblas-pthread/$name" "$lib/$name"
  done
  for file in "$root/usr/include/$MULTIARCH"/openblas-pthread/*.h; do
    [ ! -e "$file" ] || ln -sfn "openblas-pthread/$(basename "$file")" "$root/usr/include/$MULTIARCH/$(basename "$file")"
  done
  for file in "$root"/usr/lib/libarmadillo.so*; do
    [ ! -e "$file" ] || ln -sfn "../$(basename "$file")" "$lib/$(basename "$file")"
  done
  ln -sfn libstdc++.so.6 "$lib/libstdc++.so"
  # libmlpack-dev ships its bundled headers compressed under share/doc.
  documents=$root/usr/share/doc/libmlpack-dev/usr/include/mlpack
  if [ -d "$documents" ]; then
    (cd "$documents" && find . -name '*.h.gz') | while read -r name; do
      mkdir -p "$root/usr/include/mlpack/$(dirname "$name")"
      gzip -dc "$documents/$name" >"$root/usr/include/mlpack/${name%.gz}"
    done
  fi
  # CMake's package files hold absolute /usr paths; $PREFIX is where this tree will be.
  find "$lib/cmake" "$root/usr/share/cmake" -name '*.cmake' -print0 2>/dev/null | xargs -0 -r sed -i -E \
    "s#([\"; (])/usr/(lib|include|share|bin)#\1$PREFIX/usr/\2#g; s#set\\(_IMPORT_PREFIX \"/usr\"\\)#set(_IMPORT_PREFIX \"$PREFIX/usr\")#"
  # Never needed here, some hundred MB.
  rm -rf "$root"/usr/share/{doc,man,info,perl,locale,lintian,bug,doc-base} "$root"/usr/lib/"$MULTIARCH"/perl*
}

# ensure_prefix [--upgrade]
ensure_prefix() {
  local upgrade=${1:-} before=
  if [ "$upgrade" != --upgrade ] && prefix_is_ready; then
    return 0
  fi
  mkdir -p "$SIROCCO_CACHE"
  [ -s "$PREFIX_LOCK" ] && before=$(locked_version mysql-server-core)
  local room_mb
  room_mb=$(df -Pm "$SIROCCO_CACHE" | awk 'NR == 2 {print $4}')
  [ "$room_mb" -ge 4000 ] || die "$SIROCCO_CACHE has $room_mb MB free; set-up needs about 4000 MB"
  if [ "$upgrade" != --upgrade ] && [ -s "$PREFIX_LOCK" ] && lock_fits && verify_packages "$PREFIX_LOCK"; then
    say "using the packages downloaded earlier"
  else
    prepare_apt_root
    retry 5 update_and_download || die "could not download the packages" \
      "Run the same command again to go on where it stopped. Log: $SIROCCO_CACHE/apt.log"
    write_lock
    if [ "$upgrade" = --upgrade ] && prefix_is_ready; then
      say "the archive has nothing newer"
      return 0
    fi
  fi
  say "unpacking $(wc -l <"$PREFIX_LOCK") packages"
  unpack_prefix "$PREFIX.new"
  say "testing the result"
  smoke_test_prefix "$PREFIX.new"
  lock_hash >"$PREFIX.new/.sirocco-stamp"
  replace_prefix
  prune_packages
  say "dependencies are ready: MySQL $(locked_version mysql-server-core) in $PREFIX"
  if [ -n "$before" ] && [ "$before" != "$(locked_version mysql-server-core)" ]; then
    say "MySQL was $before before: the plugin is rebuilt now; systems that are up need './sirocco restart NAME'"
  fi
}

# Puts prefix.new in the place of prefix. What this script did not make is not removed but moved aside.
replace_prefix() {
  local old=$PREFIX.old
  if [ -e "$PREFIX" ] && [ ! -e "$PREFIX/.sirocco-stamp" ]; then
    old=$PREFIX.unknown-$(date +%Y%m%d%H%M%S)
    say "$PREFIX was not made by this script; it is now $old"
  fi
  rm -rf "$PREFIX.old"
  [ ! -e "$PREFIX" ] || mv "$PREFIX" "$old"
  mv "$PREFIX.new" "$PREFIX"
  rm -rf "$PREFIX.old"
}

# True if the lock file was made for the package list of today.
lock_fits() {
  local name
  for name in $(wanted_packages); do
    [ -n "$(locked_version "$name")" ] || return 1
  done
}
