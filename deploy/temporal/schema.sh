#!/bin/sh
# Makes Temporal's two databases, or brings their schema up to the version of this image. Run again, it changes nothing.
set -eu
SQL_PASSWORD="$(cat "$SQL_PASSWORD_FILE")"
export SQL_PASSWORD

tool() {
  database=$1
  shift
  temporal-sql-tool --plugin postgres12 --ep "$SQL_HOST" -p "${SQL_PORT:-5432}" -u "$SQL_USER" --db "$database" "$@"
}

bring_up_to_date() {
  tool "$1" create
  tool "$1" setup-schema -v 0.0
  tool "$1" update-schema --schema-name "postgresql/v12/$2"
}

bring_up_to_date temporal temporal
bring_up_to_date temporal_visibility visibility
