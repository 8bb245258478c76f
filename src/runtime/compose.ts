import { hkdfSync } from 'node:crypto';
import { resolve } from 'node:path';
import type { PayloadCodec } from '@temporalio/common';
import type { FlowKeys } from '../contract/flow-keys.ts';
import type {
  Authenticator,
  Log,
  OperatorProofs,
  Sealer,
  TaskTokenSigner,
  TaskTokenVerifier,
} from '../contract/identity.ts';
import type { SecretSealer } from '../contract/secret.ts';
import type { TemporalSecurity } from '../contract/temporal-security.ts';
import { EstopError } from '../core/errors.ts';
import { type WatchedConfig, watchConfig } from './config/config-source.ts';
import { keepTraceContext } from './keep-trace-context.ts';
import { createAuthenticator } from './keys/access-tokens.ts';
import { createFlowKeys } from './keys/flow-keys.ts';
import { type KeyPurpose, type KeyRing, openKeyRing } from './keys/key-ring.ts';
import { createOperatorProofs } from './keys/operator-proof.ts';
import { createPayloadCodec } from './keys/payload-codec.ts';
import { createSealer } from './keys/sealer.ts';
import { createSecretSealer } from './keys/secret-sealer.ts';
import { createTaskTokenSigner, createTaskTokenVerifier } from './keys/task-token.ts';
import { createLog } from './log.ts';
import { createSecretReader } from './secrets.ts';
import { readSettings, type Settings, storeUrl } from './settings.ts';
import { connectTemporal, createDataConverter, type TemporalClients } from './temporal-connection.ts';
import { readTemporalSecurity } from './temporal-security.ts';

/**
 * The only wiring. Each part is made when an entry point asks for it and not before: the stop process must come up without
 * what only others need. Nothing here opens a store connection; entry points make their own pool for their own role.
 */
export interface Composition {
  readonly settings: Settings;
  readonly log: Log;
  databaseUrl(): string;
  config(): WatchedConfig;
  authenticator(): Authenticator;
  /** Seals grant credentials at rest; context = grant id. */
  grantSealer(): Sealer;
  /** Seals credentials of upstreams; context = their name. */
  secretSealer(): SecretSealer;
  /** The same for whoever opens them, also those that were sealed under the keys of grants. */
  secretOpener(): SecretSealer;
  /** The same for every gateway that has the same keys. */
  approvalStateKey(): Uint8Array;
  /** Marks the ids of clients of MCP, newest first. */
  clientKeys(): () => readonly Uint8Array[];
  /** Hashes what is remembered of a task's data flow. */
  flowKeys(): FlowKeys;
  operatorProofs(): OperatorProofs;
  tokenSigner(): TaskTokenSigner;
  tokenVerifier(): TaskTokenVerifier;
  secretReader(): ReturnType<typeof createSecretReader>;
  dataConverter(): ReturnType<typeof createDataConverter>;
  /** The same codec alone. */
  payloadCodec(): PayloadCodec;
  /** Goes wherever settings.temporalAddress goes. */
  temporalSecurity(): TemporalSecurity;
  temporal(): Promise<TemporalClients>;
  workerToken(): string;
}

export function compose(
  processName: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Composition {
  keepTraceContext();
  const settings = readSettings(environment);
  const log = createLog(processName, settings.logLevel);
  const openRing = (purpose: KeyPurpose) =>
    once((): KeyRing => openKeyRing(settings.keysFolder, purpose, settings.environment));
  const [tokenRing, sealRing, codecRing] = [openRing('token'), openRing('seal'), openRing('codec')];
  const secretRing = openRing('secret');
  const config = once(() => {
    const watched = watchConfig(settings.configPath, log);
    if (watched.current().environment !== settings.environment) {
      throw new EstopError('foreign-environment', {
        detail: `${settings.configPath} is for ${watched.current().environment}, this process for ${settings.environment}`,
      });
    }
    return watched;
  });
  const tokenOptions = () => ({
    ring: tokenRing(),
    environment: settings.environment,
    trustDomain: config().current().trustDomain,
  });
  const dataConverter = once(() => createDataConverter(createSealer(codecRing())));
  const temporalSecurity = once(() => readTemporalSecurity(environment));
  const readSecret = createSecretReader(settings.configPath);
  return {
    settings,
    log,
    databaseUrl: once(() => {
      const { databaseUrl, databaseUrlPath } = settings;
      const url =
        databaseUrl ?? (databaseUrlPath === undefined ? undefined : readSecret({ file: resolve(databaseUrlPath) }));
      if (url === undefined) {
        throw new EstopError('config-invalid', {
          detail: 'neither ESTOP_DATABASE_URL nor ESTOP_DATABASE_URL_FILE is set',
        });
      }
      if (storeUrl.safeParse(url).success) return url;
      throw new EstopError('config-invalid', { detail: 'ESTOP_DATABASE_URL_FILE does not hold the URL of a store' });
    }),
    config,
    authenticator: once(() => createAuthenticator(settings.tokensPath, settings.environment)),
    grantSealer: once(() => createSealer(sealRing())),
    secretSealer: once(() => createSecretSealer(secretRing())),
    secretOpener: once(() => createSecretSealer(secretRing(), sealRing())),
    approvalStateKey: () =>
      new Uint8Array(hkdfSync('sha256', sealRing().newest().secret, '', 'estop approval state', 32)),
    clientKeys: () => {
      const ring = tokenRing();
      return () =>
        ring
          .all()
          .map(
            ({ secret }) => new Uint8Array(hkdfSync('sha256', secret, settings.environment, 'estop client ids', 32)),
          );
    },
    flowKeys: once(() => createFlowKeys(openRing('flow')())),
    operatorProofs: once(() => createOperatorProofs(openRing('proof'), settings.environment)),
    tokenSigner: once(() => createTaskTokenSigner(tokenOptions())),
    tokenVerifier: once(() => createTaskTokenVerifier(tokenOptions())),
    secretReader: () => readSecret,
    dataConverter,
    payloadCodec: once(() => createPayloadCodec(createSealer(codecRing()))),
    temporalSecurity,
    temporal: once(() => connectTemporal(settings.temporalAddress, temporalSecurity(), dataConverter())),
    workerToken: () => {
      const token =
        settings.workerToken ??
        (settings.workerTokenPath === undefined ? undefined : readSecret({ file: settings.workerTokenPath }));
      if (token === undefined)
        throw new EstopError('secret-missing', { detail: 'ESTOP_WORKER_TOKEN or ESTOP_WORKER_TOKEN_FILE' });
      return token;
    },
  };
}

function once<Result>(make: () => Result): () => Result {
  let made: { readonly value: Result } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
