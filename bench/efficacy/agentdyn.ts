/** The recorded runs of AgentDyn as runs that `replay` reads, and which calls of an attacked run carry the attacker's value. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { RecordedRun } from '../../src/core/flow/replay.ts';
import { proposeProfile, type ToolProfile } from '../../src/core/flow/tool/tool-profile.ts';

interface Row {
  readonly d: string;
  readonly s: string;
  readonly u: string;
  readonly a: string | null;
  readonly i: string | null;
  readonly ut: boolean | null;
  readonly sec: boolean | null;
  readonly c: readonly (readonly [string, Readonly<Record<string, unknown>>])[];
  readonly o: readonly (string | null)[];
  readonly e?: Readonly<Record<string, string>>;
  readonly q?: string;
}

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: unknown;
}

type Tools = Readonly<Record<string, { readonly tools: readonly Tool[]; readonly earlier_tools: readonly Tool[] }>>;
type Tasks = Readonly<Record<string, { readonly user_tasks: Readonly<Record<string, { readonly prompt: string }>> }>>;

export interface AgentdynRun extends RecordedRun {
  readonly suite: string;
  readonly task: string;
  readonly goal: string | null;
}

export interface Agentdyn {
  readonly suites: readonly string[];
  readonly profiles: Readonly<Record<string, ReadonlyMap<string, ToolProfile>>>;
  /** Everyday work, fulfilled. */
  readonly plain: readonly AgentdynRun[];
  /** Attacks that reached their goal. */
  readonly attacked: readonly AgentdynRun[];
}

export function readAgentdyn(folder: string): Agentdyn | undefined {
  const [runs, tools, tasks] = ['runs.jsonl.gz', 'tools.json', 'tasks.json'].map((name) => join(folder, name));
  if (runs === undefined || tools === undefined || tasks === undefined || ![runs, tools, tasks].every(existsSync))
    return undefined;
  const definitions = JSON.parse(readFileSync(tools, 'utf8')) as Tools; // as the page beside the data describes it
  const prompts = JSON.parse(readFileSync(tasks, 'utf8')) as Tasks; // as the page beside the data describes it
  const rows = gunzipSync(readFileSync(runs)).toString('utf8').trimEnd().split('\n');
  const plain: AgentdynRun[] = [];
  const attacked: AgentdynRun[] = [];
  for (const [index, line] of rows.entries()) {
    const row = JSON.parse(line) as Row; // as the page beside the data describes it
    const everyday = row.a === null && row.u.startsWith('user_task') && row.ut === true;
    if (!everyday && !(row.a !== null && row.sec === true)) continue;
    const request = row.q ?? prompts[row.s]?.user_tasks[row.u]?.prompt;
    if (request === undefined) continue;
    (everyday ? plain : attacked).push({
      run: String(index + 1),
      request,
      tools: row.s,
      suite: row.s,
      task: row.u,
      goal: row.i,
      calls: row.c.map(([tool, args], at) => {
        const error = row.e?.[String(at)];
        return { tool, args, output: row.o[at] ?? null, ...(error === undefined ? {} : { error }) };
      }),
    });
  }
  const suites = Object.keys(definitions).sort();
  return {
    suites,
    plain,
    attacked,
    profiles: Object.fromEntries(suites.map((suite) => [suite, profilesOf(definitions[suite])])),
  };
}

function profilesOf(suite: Tools[string] | undefined): ReadonlyMap<string, ToolProfile> {
  const all = [...(suite?.earlier_tools ?? []), ...(suite?.tools ?? [])];
  return new Map(
    all.map(({ name, description, parameters }) => [
      name,
      proposeProfile({ name, description, inputSchema: parameters }),
    ]),
  );
}
