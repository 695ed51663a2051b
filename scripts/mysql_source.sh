# MySQL's source tree with its generated headers (builddir/), from the package mysql-source: what the plugin and the
# mysqlsem library are compiled against. Unpacked without tests and NDB (540 MB in place of 2 GB).

MYSQL_SOURCE=$SIROCCO_CACHE/mysql-source/mysql-9.7

# ensure_mysql_source: needs the lock file and the packages of prefix.sh.
ensure_mysql_source() {
  local version file parent=$SIROCCO_CACHE/mysql-source
  version=$(locked_version mysql-source)
  if [ "$(cat "$MYSQL_SOURCE/.sirocco-stamp" 2>/dev/null)" = "$version" ]; then
    return 0
  fi
  if [ -e "$MYSQL_SOURCE" ] && [ ! -e "$MYSQL_SOURCE/.sirocco-stamp" ]; then
    if [ -e "$MYSQL_SOURCE/MYSQL_VERSION" ] && [ -e "$MYSQL_SOURCE/builddir/include/my_config.h" ] &&
      [ "$(source_tree_version "$MYSQL_SOURCE")" = "${version%%-*}" ]; then
      say "using the source tree that is there: $MYSQL_SOURCE"
      echo "$version" >"$MYSQL_SOURCE/.sirocco-stamp"
      return 0
    fi
    die "$MYSQL_SOURCE was not made by this script" "Move it away, or name another cache folder with SIROCCO_CACHE."
  fi
  file=$ARCHIVES/$(awk '$1 == "mysql-source" {print $4}' "$PREFIX_LOCK")
  [ -s "$file" ] || die "the package of MySQL's source is gone: $file" "Run './sirocco setup --upgrade' to fetch it again."
  say "unpacking MySQL's source, $version"
  rm -rf "$parent/new"
  mkdir -p "$parent/new"
  dpkg-deb --fsys-tarfile "$file" | tar -xO --wildcards '*/mysql-source.tar.gz' |
    tar -xz -C "$parent/new" --exclude='*/mysql-test' --exclude='*/storage/ndb' || die "cannot unpack $file"
  local trees=("$parent"/new/*/MYSQL_VERSION)
  [ -d "$(dirname "${trees[0]}")/builddir" ] || die "no source tree with builddir/ in $file"
  echo "$version" >"$(dirname "${trees[0]}")/.sirocco-stamp"
  rm -rf "$MYSQL_SOURCE"
  mv "$(dirname "${trees[0]}")" "$MYSQL_SOURCE"
  rm -rf "$parent/new"
}

# Prints "9.7.4" for a source tree.
source_tree_version() {
  awk -F= '/^MYSQL_VERSION_(MAJOR|MINOR|PATCH)=/ {printf "%s%s", dot, $2; dot = "."} END {print ""}' "$1/MYSQL_VERSION"
}

# check_named_mysql BASEDIR SOURCE: a server and source named by the user; both must be the same 9.7 version.
check_named_mysql() {
  local basedir=$1 source=$2 mysqld='' candidate server_version version
  for candidate in "$basedir/bin/mysqld" "$basedir/sbin/mysqld" "$basedir/usr/sbin/mysqld"; do
    if [ -x "$candidate" ]; then mysqld=$candidate && break; fi
  done
  [ -n "$mysqld" ] || die "no mysqld in $basedir (looked for bin/mysqld and sbin/mysqld)"
  server_version=$("$mysqld" --version 2>/dev/null | sed -n 's/.*Ver \([0-9.]*\).*/\1/p')
  [ -n "$server_version" ] || die "$mysqld --version does not run"
  case $server_version in 9.7.*) ;; *) die "$mysqld is MySQL $server_version; 9.7 is needed" ;; esac
  [ -n "$source" ] || die "--mysql-basedir needs --mysql-source: the source tree of MySQL $server_version"
  [ -e "$source/MYSQL_VERSION" ] || die "$source is not a MySQL source tree (no file MYSQL_VERSION)"
  version=$(source_tree_version "$source")
  [ "$version" = "$server_version" ] || die "the server is $server_version but the source tree is $version" \
    "A plugin fits only the exact version it was compiled for."
  [ -e "$source/builddir/include/my_config.h" ] || die "$source is not configured in builddir/" \
    "Configure it as the server was built: cmake -S $source -B $source/builddir [options of the server]"
}
