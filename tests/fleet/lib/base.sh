# shellcheck shell=bash
# The root file system that every server starts from, built once per recipe.

base_dir() {
  printf '%s/base-%s\n' "$FLEET_DIR" "$FLEET_SUITE"
}

# One hash over everything that decides what the base contains. The mirror is
# left out on purpose: another mirror serves the same packages.
base_recipe_hash() {
  {
    printf '%s\n' "$FLEET_SUITE"
    cat "$FLEET_SOURCE/lib/base.sh"
    (cd "$FLEET_SOURCE/base" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
  } | sha256sum | cut -d' ' -f1
}

base_is_current() {
  [[ -f $(base_dir).recipe && $(< "$(base_dir).recipe") == "$(base_recipe_hash)" ]]
}

# Builds the base unless the one on disk was made from this very recipe.
base_ensure() {
  fleet_key_ensure
  base_is_current || with_lock base base_build
}

base_build() {
  base_is_current && return
  # An overlay whose lower directory changes underneath it is undefined, and the
  # kernel answers with stale file handles inside the running servers.
  [[ -z $(running_indexes) ]] || die "the base's recipe changed while servers run: run \`fleet.sh down\` first"

  local dir started unit
  dir=$(base_dir)
  started=$(date +%s)
  note "building $dir (about a minute and a half)"
  # A killed build may still have its mounts in there.
  rm -rf --one-file-system "$dir" "$dir.recipe" "$dir.new"

  local mirror
  mirror=$(debian_mirror)
  mmdebstrap --quiet --variant=minbase \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --include="$(paste -sd, "$FLEET_SOURCE/base/packages")" \
    "$FLEET_SUITE" "$dir.new" ${mirror:+"$mirror"} || die "mmdebstrap could not build the base"

  # Every server makes its own identity at creation.
  rm -f "$dir.new"/etc/ssh/ssh_host_* "$dir.new/etc/hostname" "$dir.new/var/lib/dbus/machine-id"
  : > "$dir.new/etc/machine-id"

  mkdir -p "$dir.new"/var/lib/{docker,containerd,lxcfs}
  cp -a --no-preserve=ownership "$FLEET_SOURCE/base/files/." "$dir.new/"
  mkdir -p "$dir.new/etc/systemd/system/sysinit.target.wants"
  ln -sf ../fleet-init.service "$dir.new/etc/systemd/system/sysinit.target.wants/"
  while read -r unit; do
    ln -sf /dev/null "$dir.new/etc/systemd/system/$unit"
  done < "$FLEET_SOURCE/base/masked-units"

  mv "$dir.new" "$dir"
  base_recipe_hash > "$dir.recipe"
  note "base built in $(($(date +%s) - started)) s, $(du -sm "$dir" | cut -f1) MB"
}

# Prints the mirror this machine itself installs from, or nothing when apt knows
# none; mmdebstrap then takes its own default.
debian_mirror() {
  # shellcheck disable=SC2016 # apt expands $(REPO_URI), not the shell
  apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2> /dev/null | sed -n 1p
}

# The key that `up` and `ssh` use. `boot` takes the caller's key instead.
fleet_key_ensure() {
  [[ -f $FLEET_DIR/key.pub ]] || with_lock key fleet_key_make
}

fleet_key_make() {
  [[ -f $FLEET_DIR/key.pub ]] || ssh-keygen -q -t ed25519 -N '' -C flightdeck-fleet -f "$FLEET_DIR/key"
}
