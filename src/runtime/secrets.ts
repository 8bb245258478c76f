import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SecretAt } from '../contract/config.ts';
import { EstopError } from '../core/errors.ts';

/** Reads a secret that estop.yaml refers to. Files are relative to estop.yaml; one trailing newline is not part of the secret. */
export function createSecretReader(configPath: string): (reference: SecretAt) => string {
  return (reference) => {
    if (reference.secret !== undefined || reference.vault !== undefined)
      throw new EstopError('secret-missing', { detail: 'only a gateway opens sealed secrets and those of a vault' });
    if (reference.file !== undefined) {
      try {
        return readFileSync(resolve(dirname(configPath), reference.file), 'utf8').replace(/\r?\n$/, '');
      } catch (cause) {
        throw new EstopError('secret-missing', { detail: `file ${reference.file}`, cause });
      }
    }
    const value = reference.env === undefined ? undefined : process.env[reference.env];
    if (value === undefined)
      throw new EstopError('secret-missing', { detail: `environment variable ${reference.env ?? '(none named)'}` });
    return value;
  };
}
