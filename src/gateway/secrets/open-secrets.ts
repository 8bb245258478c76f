import type { SecretAt } from '../../contract/config.ts';
import { EstopError } from '../../core/errors.ts';
import type { Store } from '../../store/pool.ts';
import type { GatewayDeps } from '../server.ts';
import { createSecretPort } from '../store-port.ts';
import { SealedSecrets } from './sealed-secrets.ts';
import { UpstreamSecrets } from './upstream-secrets.ts';
import { VaultSecrets } from './vault-secrets.ts';

type Needs = Pick<GatewayDeps, 'config' | 'readSecret' | 'secretSealer' | 'log'>;

export function openSecrets(
  { config, readSecret: readLocal, secretSealer, log }: Needs,
  store: Store,
): { readonly secrets: UpstreamSecrets; readonly sealed: SealedSecrets } {
  const names = (): ReadonlySet<string> => namesIn(config.current());
  const sealed = new SealedSecrets(createSecretPort(store), secretSealer ?? noSealer, names, log);
  const vault = new VaultSecrets({ config, readLocal, log });
  return { sealed, secrets: new UpstreamSecrets({ config, readLocal, sealed, vault, log }) };
}

const refuse = (): never => {
  throw new EstopError('key-unknown', { detail: 'this gateway was given no key of sealed secrets' });
};
const noSealer = { seal: refuse, open: refuse, newestKeyId: refuse };

type Config = ReturnType<GatewayDeps['config']['current']>;
const known = new WeakMap<Config, ReadonlySet<string>>();

/** All that the configuration names, those of models too. */
function namesIn(config: Config): ReadonlySet<string> {
  const before = known.get(config);
  if (before !== undefined) return before;
  const names = new Set(
    [...config.toolServers.flatMap(referencesOf), ...config.models.map((model) => model.apiKey)].flatMap(
      (reference) => reference?.secret ?? [],
    ),
  );
  known.set(config, names);
  return names;
}

function referencesOf({ credential, credentials, process }: Config['toolServers'][number]): (SecretAt | undefined)[] {
  return [
    credential,
    ...Object.values(credentials ?? {}),
    ...Object.values(process?.env ?? {}).map((value) => (typeof value === 'string' ? undefined : value)),
  ];
}
