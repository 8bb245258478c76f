/**
 * A call that hands over a program of which every word is known to look only: it needs no request of its own, as no read does.
 * Nothing else changes for it: it is of its tool's tier, and every other rule holds. A look sends nothing to anybody; what it reads
 * is remembered like any output.
 */
import type { FlowCall } from '../call.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { fetchVerbs, localVerbs, programWords, sinkVerbs } from '../language/words.ts';
import { copiedWords, isSteered, wordsToCompare } from '../origin.ts';
import type { TaskFlow } from '../task-flow.ts';
import type { ToolProfile } from '../tool/tool-profile.ts';
import { type PlainShell, plainShell } from './plain-shell.ts';
import { type PlainSql, plainSql } from './plain-sql.ts';
import { isOpenPlace } from './secret-place.ts';

type Program = PlainSql | PlainShell;

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const runs = set('execute exec run bash shell terminal console');
const ofRunners = set(
  'execute exec run bash shell sh zsh terminal console sql query queries statement command commands cmd psql mysql mariadb sqlite postgres postgresql pg database db select read raw local sandbox in on the a',
);

/** They read quotes in another way. */
const otherShells = set('powershell pwsh windows win dos');

/** What it does is to run what it is given, and nothing besides: "save_query", "run_migration" and "schedule_command" do more. */
function isRunner({ name, families }: ToolProfile): boolean {
  if (families.some((family) => family !== 'execute')) return false;
  const words = wordsOfName(name);
  const own = words.findIndex((word) => ofRunners.has(word));
  if (own < 0 || !words.slice(own).every((word) => ofRunners.has(word))) return false;
  const server = words.slice(0, own);
  if (server.some((word) => otherShells.has(word))) return false;
  return (
    server.length === 0 ||
    (words.some((word) => runs.has(word)) &&
      !server.map(stem).some((word) => sinkVerbs.has(word) || localVerbs.has(word) || fetchVerbs.has(word)))
  );
}

const asSql = set('sql query statement');
const asShell = set('command cmd bash shell');
const ofSql = set('sql psql mysql mariadb sqlite postgres postgresql pg database db query');
const ofShells = set('bash shell sh zsh terminal');

/** None: it is no program. */
function readerOf(argument: string, tool: string): ((text: string) => Program | undefined) | undefined {
  const last = wordsOfName(argument).at(-1) ?? '';
  if (!programWords.has(stem(last)) && !asSql.has(last)) return undefined;
  const words = wordsOfName(tool);
  const isSql = words.some((word) => ofSql.has(word));
  const isShell = words.some((word) => ofShells.has(word));
  if (asSql.has(last) && !isShell) return plainSql;
  if (asShell.has(last) && !(isSql && isShell)) return isSql ? plainSql : plainShell;
  return () => undefined;
}

/** Beside a program: where it runs, how long it may take, what it is for. */
const beside = set(
  'projectid project projectref databaseid database databasename db dbname schema schemaname branchid instanceid clusterid warehouse workspaceid timeout timeoutms timeoutseconds limit rowlimit maxrows page pagesize runinbackground isbackground background readonly format outputformat dialect',
);
const said = set('description explanation reason purpose thought');
const folders = set('cwd workdir workingdir workingdirectory directory dir');

function isBeside(argument: string, value: unknown): boolean {
  const name = argument.toLowerCase().replaceAll(/[^a-z]/g, '');
  if (folders.has(name)) return typeof value === 'string' && isOpenPlace(value);
  if (said.has(name)) return typeof value === 'string';
  if (name === 'params' || name === 'parameters')
    return Array.isArray(value) && value.every((one) => typeof one !== 'object' || one === null);
  if (!beside.has(name)) return false;
  return (
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    (typeof value === 'string' && /^[\w.: -]{0,100}$/.test(value))
  );
}

/** Each program of the call; none: it may do more than look. */
export function plainLook({ profile, args, addresses }: FlowCall): readonly Program[] | undefined {
  if (addresses !== undefined || !isRunner(profile)) return undefined;
  const programs: Program[] = [];
  for (const [argument, value] of Object.entries(args)) {
    const reader = readerOf(argument, profile.name);
    if (reader === undefined) {
      if (!isBeside(argument, value)) return undefined;
      continue;
    }
    const program = typeof value === 'string' ? reader(value) : undefined;
    if (program === undefined) return undefined;
    programs.push(program);
  }
  return programs.length === 0 ? undefined : programs;
}

/** What it looks for, or half of the names in it, was found in prose alone. */
export const isSteeredLook = (flow: TaskFlow, programs: readonly Program[]): boolean =>
  programs.some(
    ({ literals, names }) =>
      literals.some((text) => isSteered(flow, text)) ||
      2 * copiedWords(flow, names.join(' ')) >= Math.max(1, wordsToCompare(names.join(' ')).length),
  );
