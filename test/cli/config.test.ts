import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { schemaReference } from '../../src/runtime/config/init-config.ts';
import { loadConfigOrThrow } from '../../src/runtime/config/load-config.ts';
import { recordConfig } from '../../src/store/config-versions.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { type CliRig, deadUrl, makeCliRig } from './rig.ts';

describe('estop config', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
  });

  it('a configuration is checked with line and column, and two are compared', async () => {
    const folder = tempFolder();
    const good =
      'environment: dev\nagents:\n  billing-bot:\n    owner: ada\n    stopHolder: grace\n    model: small\nmodels:\n  small: {provider: openai, model: gpt}\n';
    writeFileSync(join(folder, 'bad.yaml'), good.replace('model: small', 'model: large'));
    const bad = await rig.run(['config', 'validate', 'bad.yaml'], { cwd: folder });
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/^bad\.yaml:6:5 {2}agents\.billing-bot\.model .*"large"/);
    writeFileSync(join(folder, 'estop.yaml'), good);
    const valid = await rig.run(['config', 'validate'], { cwd: folder });
    expect([valid.code, valid.stdout]).toEqual([0, 'estop.yaml is valid\n']);
    writeFileSync(join(folder, 'next.yaml'), good.replace('owner: ada', 'owner: eve'));
    expect((await rig.run(['config', 'diff', 'estop.yaml', 'estop.yaml'], { cwd: folder })).stdout.trim()).toBe(
      'no difference',
    );
    const changed = await rig.run(['config', 'diff', 'estop.yaml', 'next.yaml'], { cwd: folder });
    expect([changed.code, changed.stdout.trim()]).toEqual([0, '~ agents.billing-bot.owner  "ada" -> "eve"']);
    expect((await rig.run(['config', 'diff', 'missing.yaml'], { cwd: folder })).code).toBe(1);
  });

  it('its schema is found by editors, which read up to the first blank', () => {
    expect(schemaReference('/srv/estop.yaml', '/srv/estop/docs/schema.json')).toBe('estop/docs/schema.json');
    expect(schemaReference('/srv/estop.yaml', '/srv/my own/schema.json')).toBe('file:///srv/my%20own/schema.json');
  });

  it('a first configuration is written where there is none, is valid, and is never written over', async () => {
    const folder = tempFolder();
    const missing = await rig.run(['config', 'validate'], { cwd: folder });
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('estop config init')]);
    const made = await rig.run(['config', 'init'], { cwd: folder });
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('estop.yaml')]);
    expect((await rig.run(['config', 'validate'], { cwd: folder })).code).toBe(0);
    const file = join(folder, 'estop.yaml');
    const [, schema = ''] = /\$schema=(\S+)/.exec(readFileSync(file, 'utf8')) ?? [];
    expect(existsSync(schema.startsWith('file:') ? new URL(schema) : join(folder, schema))).toBe(true);
    writeFileSync(file, 'mine');
    const again = await rig.run(['config', 'init'], { cwd: folder });
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('is there already')]);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const nowhere = await rig.run(['config', 'init', 'no/such/estop.yaml'], { cwd: folder });
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('ENOENT')]);
  });

  it.each([
    ['is empty', ''],
    ['has only comments', '# agents:\n#   billing-bot:\n'],
    ['names only its environment', 'environment: dev\nagents: {}\n'],
  ])('a configuration that %s is valid, and is said to configure nothing, and how to begin', async (_, text) => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'estop.yaml'), text);
    const told = await rig.run(['config', 'validate'], { cwd: folder });
    expect([told.code, told.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^estop\.yaml is valid\nwarning: it names no agent, .*`estop config init first\.yaml` writes/,
      ),
    ]);
    const { stdout } = await rig.run(['config', 'validate', '--json'], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, warnings: [expect.stringContaining('config init')] });
    expect((await rig.run(['config', 'init', 'first.yaml'], { cwd: folder })).code).toBe(0);
    const begun = await rig.run(['config', 'validate', 'first.yaml'], { cwd: folder });
    expect([begun.code, begun.stdout]).toEqual([0, 'first.yaml is valid\n']);
  });

  it('estop dev in a folder without a configuration says how to get one', async () => {
    const dev = await rig.run(['dev'], { cwd: tempFolder() });
    expect([dev.code, dev.stderr]).toEqual([1, expect.stringContaining('estop config init')]);
  });

  it('config diff compares the file with what runs, not with itself', async () => {
    const folder = tempFolder();
    const yaml = [
      'environment: test',
      'trustDomain: example.org',
      'agents:',
      '  night-bot:',
      '    owner: ada',
      '    stopHolder: grace',
      '    model: small',
      '    grants: [{name: wake, connector: clock, life: 10m, options: {workflowType: wakeUp, taskQueue: q}}]',
      'connectors:',
      "  clock: {system: temporal, address: '127.0.0.1:7233', namespace: estop-agents, network: loopback}",
      'models:',
      '  small: {provider: openai, model: gpt}',
      '',
    ].join('\n');
    writeFileSync(join(folder, 'estop.yaml'), yaml);
    const none = await rig.run(['config', 'diff'], { cwd: folder });
    expect([none.code, none.stderr]).toEqual([5, expect.stringContaining('No configuration was ever applied.')]);
    await recordConfig(
      rig.ledger.as('estop_control'),
      'ada\u001b[2J',
      'digest',
      loadConfigOrThrow(join(folder, 'estop.yaml')),
    );
    const same = await rig.run(['config', 'diff'], { cwd: folder });
    expect([same.code, same.stdout]).toEqual([0, 'no difference\n']);
    expect(same.stderr).toMatch(/^estop\.yaml against version \d+, applied .* by ada<U\+001B>\[2J$/m);
    writeFileSync(join(folder, 'estop.yaml'), yaml.replace('owner: ada', 'owner: eve'));
    const changed = await rig.run(['config', 'diff'], { cwd: folder });
    expect([changed.code, changed.stdout]).toEqual([0, '~ agents.night-bot.owner  "ada" -> "eve"\n']);
    const json = await rig.run(['config', 'diff', 'estop.yaml', '--json'], { cwd: folder });
    expect(JSON.parse(json.stdout)).toMatchObject({
      before: { appliedBy: 'ada\u001b[2J' },
      after: 'estop.yaml',
      changes: [{ kind: 'changed', before: 'ada', after: 'eve' }],
    });
    expect((await rig.run(['config', 'diff'], { cwd: folder, env: { ESTOP_TOKEN: rig.tokens.viewer } })).code).toBe(4);
    expect((await rig.run(['config', 'diff'], { cwd: folder, env: { ESTOP_CONTROL_URL: await deadUrl() } })).code).toBe(
      7,
    );
  });
});
