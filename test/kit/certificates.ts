import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from './temp-folder.ts';

/** Files: what a server, or a client, shows, and the key to it. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly ca: string;
  /** With less than none its days are over. */
  issue(name: string, extension: string, days?: number): Identity;
}

/** An authority of its own for each run. Without a word its certificates are good for two days. */
export function makeAuthority(): Authority {
  const folder = tempFolder();
  const at = (name: string): string => join(folder, name);
  const run = (...args: readonly string[]): void => void execFileSync('openssl', [...args], { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run('req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=test ca', '-keyout', at('ca.key'), '-out', at('ca.pem'));
  return {
    ca: at('ca.pem'),
    issue: (name, extension, days = 2) => {
      const [cert, key, request] = [at(`${name}.pem`), at(`${name}.key`), at(`${name}.csr`)];
      writeFileSync(at(`${name}.ext`), extension);
      run('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
      const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', String(days)];
      run('x509', '-req', '-in', request, ...signing, '-extfile', at(`${name}.ext`), '-out', cert);
      return { cert, key };
    },
  };
}
