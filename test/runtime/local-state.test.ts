import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ensureLocalSecrets } from '../../src/runtime/installation/local-secrets.ts';
import { readRememberedPorts, rememberPorts } from '../../src/runtime/installation/remembered-ports.ts';
import { claimStateFolder } from '../../src/runtime/local/state-folder.ts';
import { tempFolder } from '../kit/temp-folder.ts';

// As a power cut leaves a file, and a hand that edits it.
const spoiled = ['', '{', '[]', '{"operator":7}', 'null'];

it.each(['local-tokens.json', 'store-passwords.json'])('a spoiled %s is named, and what to do about it', (name) => {
  const folder = claimStateFolder(tempFolder());
  const made = ensureLocalSecrets(folder, 'test', ['estop_stop']);
  expect(ensureLocalSecrets(folder, 'test', ['estop_stop'])).toEqual(made);
  for (const text of spoiled) {
    writeFileSync(folder.file(name), text);
    expect(() => ensureLocalSecrets(folder, 'test', ['estop_stop']), text).toThrow(
      `${folder.file(name)} cannot be read as what estop wrote there: delete it`,
    );
  }
  rmSync(folder.file(name));
  expect(ensureLocalSecrets(folder, 'test', ['estop_stop'])).not.toEqual(made);
  folder.release();
});

it('spoiled ports are forgotten', () => {
  const folder = claimStateFolder(tempFolder());
  rememberPorts(folder, [4_711, 4_712]);
  expect(readRememberedPorts(folder, 3)).toEqual([4_711, 4_712, undefined]);
  for (const text of spoiled.filter((one) => one !== '[]')) {
    writeFileSync(folder.file('ports.json'), text);
    expect(readRememberedPorts(folder, 2), text).toEqual([undefined, undefined]);
  }
  folder.release();
});
