import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Log } from '../../src/contract/identity.ts';
import { type WatchedConfig, watchConfig } from '../../src/runtime/config/config-source.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const events: unknown[] = [];
const note = (fields: object): void => void events.push((fields as { readonly event?: unknown }).event); // every line has one
const log: Log = { debug: note, info: note, warn: note, error: note };

const yaml = (environment: string, ...owners: readonly string[]): string =>
  stringify({
    environment,
    trustDomain: 'test.local',
    agents: Object.fromEntries(
      owners.map((owner, at) => [`bot-${at}`, { owner, stopHolder: 'sam', model: 'scripted' }]),
    ),
    models: { scripted: { provider: 'openai-compatible', model: 'scripted', baseUrl: 'http://127.0.0.1:9' } },
  });

let watched: WatchedConfig | undefined;
afterEach(() => watched?.close());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
/** As an editor does: a new file in the place of the old one. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
const owners = (): readonly string[] => watched?.current().agents.map(({ owner }) => owner) ?? [];

describe('a configuration that is changed while processes run', () => {
  it('is taken whole, and whoever asked is told', async () => {
    const path = join(tempFolder(), 'estop.yaml');
    writeFileSync(path, yaml('dev', 'olga'));
    watched = watchConfig(path, log);
    const told: (readonly [number, number])[] = [];
    watched.onChange((next, previous) => told.push([next.agents.length, previous.agents.length]));
    replace(path, yaml('dev', 'olga', 'ada'));
    await until(() => owners().length === 2);
    expect(told).toEqual([[2, 1]]);
  });

  it.each([
    ['is not YAML', 'agents: [', 'config.invalid'],
    ['is half right', yaml('dev', 'ada').replace('stopHolder: sam', 'stopHolders: sam'), 'config.invalid'],
    ['was emptied', '', 'config.empty'],
    ['is of another environment', yaml('prod', 'ada'), 'config.environment'],
  ])('changes nothing where it %s, and the log says so', async (_what, text, event) => {
    const path = join(tempFolder(), 'estop.yaml');
    writeFileSync(path, yaml('dev', 'olga'));
    watched = watchConfig(path, log);
    events.length = 0;
    const before = watched.current();
    replace(path, text);
    await until(() => events.length > 0);
    expect(events).toEqual([event]);
    expect(watched.current()).toBe(before);
    // It is taken as soon as it is right again.
    replace(path, yaml('dev', 'ada'));
    await until(() => owners()[0] === 'ada');
  });

  it('is seen through links, of which any may be exchanged, as in a mounted ConfigMap', async () => {
    const folder = tempFolder();
    const path = join(folder, 'estop.yaml');
    const point = (version: string, ...names: readonly string[]): void => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'estop.yaml'), yaml('dev', ...names));
      symlinkSync(version, join(folder, '..next'));
      renameSync(join(folder, '..next'), join(folder, '..data'));
    };
    point('..1', 'olga');
    symlinkSync(join('..data', 'estop.yaml'), path);
    watched = watchConfig(path, log);
    for (const version of ['..2', '..3']) {
      point(version, version);
      await until(() => owners()[0] === version);
    }
    // And in the folder that it leads to by now.
    replace(join(folder, '..3', 'estop.yaml'), yaml('dev', 'ada'));
    await until(() => owners()[0] === 'ada');
  });
});
