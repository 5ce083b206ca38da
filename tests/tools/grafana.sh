#!/usr/bin/env bash
# The dashboards against Grafana's own types (its npm package of schemas): every field of dashboard, panels and their
# options must be one that Grafana knows, of the type it expects. No Grafana runs here. Wants npm and node; not part of
# `make test`, whose tests run the dashboards' queries.
#
# usage: grafana.sh [VERSION]         of @grafana/schema
set -euo pipefail
cd "$(dirname "$0")/../.."
for needed in npm npx jq; do
  command -v $needed >/dev/null || { echo "no $needed here: apt-get install npm jq" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '{"private": true}' >"$work/package.json"
npm install --prefix "$work" --silent --no-audit --no-fund "@grafana/schema@${1:-13.2.3}" typescript@5 >/dev/null 2>&1

raw=./node_modules/@grafana/schema/dist/types/raw/composable
for file in packaging/grafana/*.json; do
  {
    # Grafana's enums are strings in JSON; options that are left out have defaults.
    cat <<TS
import { Dashboard } from '@grafana/schema';
import type * as timeseries from '$raw/timeseries/panelcfg/x/types.gen';
import type * as stat from '$raw/stat/panelcfg/x/types.gen';
import type * as table from '$raw/table/panelcfg/x/types.gen';
type Json<T> = T extends string ? \`\${T}\` : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Some<T> = T extends string ? \`\${T}\` : T extends (infer U)[] ? Some<U>[] : T extends object ? { [K in keyof T]?: Some<T[K]> } : T;
TS
    jq -r '"export const whole: Json<Dashboard> = \(.);",
      (.. | objects | select(.gridPos and .type != "row")
        | "{ const options: Some<\(.type).Options> = \(.options // {}); }",
          (select(.fieldConfig.defaults.custom) | "{ const custom: Some<\(.type).FieldConfig> = \(.fieldConfig.defaults.custom); }"))' "$file"
  } >"$work/$(basename "$file" .json).ts"
done
(cd "$work" && npx --no-install tsc --noEmit --strict --skipLibCheck --moduleResolution bundler --module esnext --target es2022 ./*.ts)
echo "the dashboards are what Grafana's schema says"
