import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { createLog } from '../log.ts';
import { readTemporalSecurity } from '../temporal-security.ts';
import { readProvisionSettings } from './provision-settings.ts';
import { provisionFromFiles } from './role-urls.ts';
import { provisionTemporal } from './temporal-namespaces.ts';

/**
 * `provision/main store` or `provision/main temporal`: what must be there before the processes of estop start, made once and
 * brought up to date at each start. Two parts, because the stop process waits for the first and must never wait for the second.
 */
const log = createLog('provision', 'info');
const part = process.argv[2];
try {
  const settings = readProvisionSettings(process.env);
  if (part === 'store') {
    await provisionFromFiles({
      folder: settings.roleUrlFolder,
      superuserUrlFile: settings.superuserUrlFile,
      environment: settings.environment,
    });
  } else if (part === 'temporal') {
    await provisionTemporal({
      environment: settings.environment,
      address: settings.temporalAddress,
      security: readTemporalSecurity(process.env),
      retentionDays: settings.retentionDays,
      patienceMs: 120_000,
      onProgress: (line) => log.info({ event: 'provision.made' }, line),
    });
  } else {
    throw new EstopError('invalid-input', { detail: 'say what to provision: store or temporal' });
  }
  log.info({ event: 'provision.done', part }, 'provisioned');
} catch (thrown) {
  // Our own words only: what a driver says may quote a connection string.
  log.error(
    { event: 'provision.failed', part, code: errorCodeOf(thrown), detail: detailOf(thrown) },
    'not provisioned',
  );
  process.exitCode = 1;
}

function detailOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'detail' in thrown ? thrown.detail : undefined;
}
