import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConnection } from '../../src/cli/connection.ts';
import { tempFolder } from '../kit/temp-folder.ts';

describe('where estop is', () => {
  const profile = {
    environment: 'test',
    controlUrl: 'http://profile-control',
    stopUrl: 'http://profile-stop',
    token: 'estop_test_x',
    serviceToken: 'estop_test_s',
    directUrl: 'postgres://d',
  };
  function folder(): string {
    const root = tempFolder();
    mkdirSync(join(root, '.estop'));
    writeFileSync(join(root, '.estop', 'connection.json'), JSON.stringify(profile));
    mkdirSync(join(root, 'a', 'b'), { recursive: true });
    return root;
  }

  it('is found in the folder above, and the environment and flags come first', () => {
    const from = join(folder(), 'a', 'b');
    expect(readConnection({}, {}, from)).toMatchObject({
      environment: 'test',
      controlUrl: 'http://profile-control',
      token: 'estop_test_x',
      serviceToken: 'estop_test_s',
      directUrl: 'postgres://d',
    });
    expect(readConnection({}, { ESTOP_CONTROL_URL: 'http://env' }, from).controlUrl).toBe('http://env');
    expect(readConnection({ controlUrl: 'http://flag' }, { ESTOP_CONTROL_URL: 'http://env' }, from).controlUrl).toBe(
      'http://flag',
    );
  });

  it('a token of the environment stands for both identities, so that a profile never mixes in', () => {
    expect(readConnection({}, { ESTOP_TOKEN: 'estop_other_t' }, folder())).toMatchObject({
      token: 'estop_other_t',
      serviceToken: 'estop_other_t',
    });
  });

  it('a token may stand in a file', () => {
    const root = tempFolder();
    writeFileSync(join(root, 'token'), 'estop_test_fromfile\n');
    expect(readConnection({}, { ESTOP_TOKEN_FILE: join(root, 'token') }, root).token).toBe('estop_test_fromfile');
    expect(() => readConnection({}, { ESTOP_TOKEN_FILE: join(root, 'missing') }, root)).toThrow(/cannot be read/);
  });

  it('a profile by name is one of the person’s own, and a path is no name', () => {
    const root = tempFolder();
    mkdirSync(join(root, 'profiles'));
    const path = join(root, 'profiles', 'prod.json');
    writeFileSync(path, JSON.stringify({ ...profile, environment: 'prod' }), { mode: 0o600 });
    expect(readConnection({ profile: 'prod' }, { ESTOP_CONFIG_DIR: root }, root).environment).toBe('prod');
    expect(() => readConnection({ profile: '../../etc/passwd' }, { ESTOP_CONFIG_DIR: root }, root)).toThrow(
      /plain name/,
    );
    chmodSync(path, 0o640);
    expect(() => readConnection({ profile: 'prod' }, { ESTOP_CONFIG_DIR: root }, root)).toThrow(/chmod 600/);
    expect(() => readConnection({ profile: 'missing' }, { ESTOP_CONFIG_DIR: root }, root)).toThrow(/no profile/);
  });

  it('a broken profile is named without a word of what is in it', () => {
    const root = tempFolder();
    mkdirSync(join(root, '.estop'));
    writeFileSync(join(root, '.estop', 'connection.json'), '{"token": "estop_test_canary"');
    expect(() => readConnection({}, {}, root)).toThrow(/cannot be read as a connection profile/);
    expect(() => readConnection({}, {}, root)).not.toThrow(/canary/);
  });
});
