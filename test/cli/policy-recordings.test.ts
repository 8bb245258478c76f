import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../kit/temp-folder.ts';
import { type CliRig, makeCliRig, type Ran } from './rig.ts';

let rig: CliRig;
const folder = tempFolder();
const offline = { ESTOP_TOKEN: '', ESTOP_CONTROL_URL: 'http://127.0.0.1:9' };
beforeAll(async () => {
  rig = await makeCliRig();
});

const tested = (text: string, ...more: readonly string[]): Promise<Ran> => {
  writeFileSync(join(folder, 'runs.jsonl'), text);
  const env = more.includes('--in-force') ? {} : offline;
  return rig.run(['policy', 'test', '--runs', 'runs.jsonl', ...more], { env, cwd: folder });
};
const line = (run: string, calls: number): string =>
  JSON.stringify({
    run,
    request: 'Read my letters',
    calls: Array.from({ length: calls }, () => ({ tool: 'read_letters', args: {}, output: 'x' })),
  });

describe('what was recorded', () => {
  it.each([
    ['nothing', ''],
    ['lines with nothing in them', '\n \r\n\t\n'],
    ['a mark of its bytes alone', '\ufeff'],
    ['a mark of its bytes and a line', '\ufeff\r\n'],
  ])('proves nothing where it is %s', async (_what, text) => {
    const said = expect.stringContaining('holds no run');
    expect(await tested(text, '--json')).toMatchObject({ code: 2, stdout: said });
    expect(await tested(text)).toMatchObject({ code: 2, stdout: '', stderr: said });
    expect(await tested(text, '--in-force')).toMatchObject({ code: 2, stdout: '' });
  });

  it('has one decision for each call, in the order of its lines, also where two are called alike', async () => {
    const ran = await tested(`${line('a', 2)}\r\n\r\n${line('a', 0)}\n \n${line('b', 3)}`, '--json');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const told: { run: string; decisions: string[]; reasons: string[] }[] = ran.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(told.map(({ run, decisions, reasons }) => [run, decisions.length, reasons.length])).toEqual([
      ['a', 2, 2],
      ['a', 0, 0],
      ['b', 3, 3],
    ]);
  });
});
