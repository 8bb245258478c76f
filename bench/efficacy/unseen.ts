/** Held and asked over tools that nobody had looked at when the rules were made: what a team meets on its first day. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RecordedRun, replay } from '../../src/core/flow/replay.ts';
import type { ToolDefinition } from '../../src/core/flow/tool/tool-definition.ts';
import { proposeProfile, type ToolProfile } from '../../src/core/flow/tool/tool-profile.ts';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { hash } from './measure.ts';

export interface UnseenRun extends RecordedRun {
  readonly tools: string;
  readonly half: 'read' | 'unread';
  readonly attack?: { readonly harmful: readonly number[]; readonly form: string };
}

export interface UnseenFigures {
  readonly name: string;
  readonly calls: number;
  readonly asked: number;
  readonly denied: number;
  readonly attacks: number;
  readonly held: number;
}

type Profiles = ReadonlyMap<string, ReadonlyMap<string, ToolProfile>>;

/** The runs, and by the name of its list each tool as it is proposed. */
export function readUnseen(): { readonly runs: readonly UnseenRun[]; readonly profiles: Profiles } {
  const folder = join(packageRoot, 'bench', 'efficacy', 'unseen');
  const sets = JSON.parse(readFileSync(join(folder, 'tools.json'), 'utf8')) as Readonly<
    Record<string, readonly ToolDefinition[]>
  >; // as the page beside the data describes it
  const profiles = new Map(
    Object.entries(sets).map(([set, tools]) => [set, new Map(tools.map((tool) => [tool.name, proposeProfile(tool)]))]),
  );
  const runs = readFileSync(join(folder, 'runs.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as UnseenRun); // as the page beside the data describes it
  return { runs, profiles };
}

export function unseenFigures(): readonly UnseenFigures[] {
  const { runs, profiles } = readUnseen();
  return (['read', 'unread'] as const).map((half) =>
    figuresOf(
      half,
      runs.filter((run) => run.half === half),
      profiles,
    ),
  );
}

function figuresOf(name: string, runs: readonly UnseenRun[], profiles: Profiles): UnseenFigures {
  let [calls, asked, denied, attacks, held] = [0, 0, 0, 0, 0];
  for (const run of runs) {
    const { decisions } = replay(run, profiles.get(run.tools) ?? new Map(), { hash, assume: 'deny' });
    if (run.attack !== undefined) {
      attacks += 1;
      if (run.attack.harmful.some((at) => decisions[at] !== 'allow')) held += 1;
      continue;
    }
    calls += decisions.length;
    asked += decisions.filter((decision) => decision === 'ask').length;
    denied += decisions.filter((decision) => decision === 'deny').length;
  }
  return { name, calls, asked, denied, attacks, held };
}
