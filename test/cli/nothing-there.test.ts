import { beforeAll, describe, expect, it } from 'vitest';
import { type CliRig, makeCliRig } from './rig.ts';

describe('a list with nothing in it', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig([]);
  });

  it.each([
    ['stop ls', 'No stop was ever ordered.'],
    ['stop ls --in-force', 'No stop is in force.'],
    ['connectors', 'None is configured: name one in estop.yaml, under connectors.'],
    ['secret ls', 'None is kept here.'],
    ['agents', 'None is configured: name one in estop.yaml, under agents.'],
    ['people ls', 'Nobody has signed in by name yet.'],
    ['audit --kind nothing.', 'Nothing matches.'],
    ['task ls', 'No task matches.'],
  ])('%s says so, and to a machine nothing but the list', async (words, sentence) => {
    const [text, json] = [await rig.run(words.split(' ')), await rig.run([...words.split(' '), '--json'])];
    expect([text.code, text.stderr.trim()]).toEqual([0, sentence]);
    expect(JSON.parse(json.stdout)).toMatchObject({ items: [] });
  });
});
