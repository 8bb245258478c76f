import { join } from 'node:path';
import { z } from 'zod';
import { EstopError } from '../core/errors.ts';
import { isEnvironment } from '../core/ids.ts';
import { isBind } from './metrics/bind.ts';
import { isNetwork } from './networks.ts';
import { temporalSecurityNames } from './temporal-security.ts';

const bind = z.string().refine(isBind, 'must be host:port');
const port = z.coerce.number().int().min(0).max(65_535);

/** The driver speaks to one address, and would take a list of them for a name that nobody has. */
export const storeUrl = z
  .string()
  .refine((text) => !/^[^/]*\/\/[^/]*,|[?&](?:target_session_attrs|load_balance_hosts)=/.test(text), {
    message: 'must name one address, which leads to the primary: several hosts and target_session_attrs are not read',
    abort: true,
  })
  .pipe(z.url({ protocol: /^postgres(ql)?$/ }));

const variables = z.object({
  ESTOP_ENVIRONMENT: z.string().refine(isEnvironment, 'must be 1-16 lower-case letters or digits').default('dev'),
  ESTOP_STATE: z.string().min(1).default('.estop'),
  ESTOP_CONFIG: z.string().min(1).default('estop.yaml'),
  ESTOP_DATABASE_URL: storeUrl.optional(),
  ESTOP_DATABASE_URL_FILE: z.string().min(1).optional(),
  ESTOP_TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233'),
  ESTOP_TEMPORAL_UI_URL: z.url().optional(),
  ESTOP_STOP_URL: z.url().default('http://127.0.0.1:7700'),
  ESTOP_CONTROL_URL: z.url().default('http://127.0.0.1:7701'),
  ESTOP_GATEWAY_URL: z.url().default('http://127.0.0.1:7702'),
  ESTOP_HOST: z.string().default('127.0.0.1'),
  ESTOP_HOST_NAMES: z
    .string()
    .regex(/^[a-z0-9.-]+(?:,[a-z0-9.-]+)*$/, 'must be host names with commas between them')
    .optional(),
  ESTOP_TRUSTED_PROXIES: z
    .string()
    .refine(
      (text) => text === '' || text.split(',').every(isNetwork),
      'must be addresses or networks with commas between them',
    )
    .optional(),
  ESTOP_ALLOW_REMOTE: z.enum(['yes', 'no']).default('no'),
  ESTOP_STOP_PORT: port.default(7700),
  ESTOP_CONTROL_PORT: port.default(7701),
  ESTOP_GATEWAY_PORT: port.default(7702),
  ESTOP_GATEWAY_STATE: z.string().min(1).optional(),
  ESTOP_LARGEST_PROMPT_MIB: z.coerce.number().int().min(1).max(32).default(4),
  ESTOP_WORKER_TOKEN: z.string().optional(),
  ESTOP_WORKER_TOKEN_FILE: z.string().optional(),
  ESTOP_RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(90),
  ESTOP_METRICS: bind.optional(),
  ESTOP_TEMPORAL_METRICS: bind.optional(),
  ESTOP_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export interface Settings {
  readonly environment: string;
  readonly stateFolder: string;
  readonly keysFolder: string;
  readonly tokensPath: string;
  readonly configPath: string;
  readonly databaseUrl: string | undefined;
  readonly databaseUrlPath: string | undefined;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | undefined;
  readonly stopUrl: string;
  readonly controlUrl: string;
  readonly gatewayUrl: string;
  readonly host: string;
  /** Under which this process is reached besides that of its own URL, for example by other services of a composition. */
  readonly hostNames: readonly string[];
  /** Whose word counts for where a request comes from. */
  readonly trustedProxies: readonly string[];
  readonly allowRemote: boolean;
  readonly stopPort: number;
  readonly controlPort: number;
  readonly gatewayPort: number;
  /** A folder of the gateway's own, kept over its restarts. */
  readonly gatewayStateFolder: string | undefined;
  /** While a prompt is read no stop is heard: twice the size, twice as long. */
  readonly largestPromptMib: number;
  readonly workerToken: string | undefined;
  readonly workerTokenPath: string | undefined;
  /** How long the store keeps calls, phases, ended grants and retired gateways that no open stop refers to. */
  readonly retentionDays: number;
  /** host:port where this process shows its figures; undefined: nowhere. */
  readonly metricsBind: string | undefined;
  /** The same for what the Temporal SDK counts; workers only. */
  readonly temporalMetricsBind: string | undefined;
  readonly logLevel: string;
}

/** Their names, for whoever writes a composition. */
export const settingNames: readonly string[] = [...Object.keys(variables.shape), ...temporalSecurityNames];

/** Every process is configured by these variables alone. An error names the variable, never its value. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = variables.safeParse(environment);
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => ({ pointer: issue.path.join('.'), message: issue.message }));
    throw new EstopError('config-invalid', {
      detail: fields.map((field) => `${field.pointer}: ${field.message}`).join('; '),
      fields,
    });
  }
  const v = parsed.data;
  const stateFolder = v.ESTOP_STATE;
  return {
    environment: v.ESTOP_ENVIRONMENT,
    stateFolder,
    keysFolder: join(stateFolder, 'keys'),
    tokensPath: join(stateFolder, 'tokens.json'),
    configPath: v.ESTOP_CONFIG,
    databaseUrl: v.ESTOP_DATABASE_URL,
    databaseUrlPath: v.ESTOP_DATABASE_URL_FILE,
    temporalAddress: v.ESTOP_TEMPORAL_ADDRESS,
    temporalUiUrl: v.ESTOP_TEMPORAL_UI_URL,
    stopUrl: v.ESTOP_STOP_URL,
    controlUrl: v.ESTOP_CONTROL_URL,
    gatewayUrl: v.ESTOP_GATEWAY_URL,
    host: v.ESTOP_HOST,
    hostNames: v.ESTOP_HOST_NAMES?.split(',') ?? [],
    trustedProxies: v.ESTOP_TRUSTED_PROXIES?.split(',').filter((one) => one !== '') ?? [],
    allowRemote: v.ESTOP_ALLOW_REMOTE === 'yes',
    stopPort: v.ESTOP_STOP_PORT,
    controlPort: v.ESTOP_CONTROL_PORT,
    gatewayPort: v.ESTOP_GATEWAY_PORT,
    gatewayStateFolder: v.ESTOP_GATEWAY_STATE,
    largestPromptMib: v.ESTOP_LARGEST_PROMPT_MIB,
    workerToken: v.ESTOP_WORKER_TOKEN,
    workerTokenPath: v.ESTOP_WORKER_TOKEN_FILE,
    retentionDays: v.ESTOP_RETENTION_DAYS,
    metricsBind: v.ESTOP_METRICS,
    temporalMetricsBind: v.ESTOP_TEMPORAL_METRICS,
    logLevel: v.ESTOP_LOG_LEVEL,
  };
}
