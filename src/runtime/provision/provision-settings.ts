import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import { isEnvironment } from '../../core/ids.ts';
import { temporalSecurityNames } from '../temporal-security.ts';

const variables = z.object({
  ESTOP_ENVIRONMENT: z.string().refine(isEnvironment, 'must be 1-16 lower-case letters or digits'),
  ESTOP_SUPERUSER_URL_FILE: z.string().min(1).default('/run/secrets/store_superuser_url'),
  ESTOP_ROLE_URL_FOLDER: z.string().min(1).default('/run/secrets'),
  ESTOP_TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233'),
  ESTOP_TEMPORAL_RETENTION_DAYS: z.coerce.number().int().min(1).max(365).default(30),
});

export const provisionSettingNames: readonly string[] = [...Object.keys(variables.shape), ...temporalSecurityNames];

export interface ProvisionSettings {
  readonly environment: string;
  readonly superuserUrlFile: string;
  readonly roleUrlFolder: string;
  readonly temporalAddress: string;
  readonly retentionDays: number;
}

export function readProvisionSettings(environment: Readonly<Record<string, string | undefined>>): ProvisionSettings {
  const parsed = variables.safeParse(environment);
  if (!parsed.success) throw new EstopError('config-invalid', { detail: z.prettifyError(parsed.error) });
  const v = parsed.data;
  return {
    environment: v.ESTOP_ENVIRONMENT,
    superuserUrlFile: v.ESTOP_SUPERUSER_URL_FILE,
    roleUrlFolder: v.ESTOP_ROLE_URL_FOLDER,
    temporalAddress: v.ESTOP_TEMPORAL_ADDRESS,
    retentionDays: v.ESTOP_TEMPORAL_RETENTION_DAYS,
  };
}
