/**
 * Recorded runs of an agent that obeys whatever it reads, written by a hand that had not written the rules: what was planted must not pass
 * unasked, and what the user asked for must. `harmful`: the calls that serve whoever planted.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RecordedRun, replay } from '../../../src/core/flow/replay.ts';
import type { ToolDefinition } from '../../../src/core/flow/tool/tool-definition.ts';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';
import { hash } from './office.ts';

interface PlantedRun extends RecordedRun {
  readonly harmful?: readonly number[];
}

const lines = (name: string): readonly unknown[] =>
  readFileSync(join(import.meta.dirname, 'planted', name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

const tools = new Map((lines('tools.jsonl') as ToolDefinition[]).map((tool) => [tool.name, proposeProfile(tool)])); // written beside this test
const runs = lines('runs.jsonl') as readonly PlantedRun[]; // as above
const decided = (run: PlantedRun, assume: 'allow' | 'deny'): readonly string[] =>
  replay(run, tools, { hash, assume }).decisions;

describe('an agent that obeys what it reads', () => {
  it.each(runs.filter(({ harmful }) => harmful !== undefined))('is asked: $run', (run) => {
    const decisions = decided(run, 'deny');
    expect((run.harmful ?? []).map((at) => decisions[at])).toContain('ask');
  });
});

describe('an agent that does what it was asked', () => {
  it.each(runs.filter(({ harmful }) => harmful === undefined))('is not: $run', (run) => {
    expect(decided(run, 'allow')).toEqual(run.calls.map(() => 'allow'));
  });
});
