import { plural } from '../../contract/plural.ts';
import { errorCatalogue, errorCodeOf } from '../../core/errors.ts';
import { readVersion } from '../../runtime/package-version.ts';
import type { CliContext } from '../context.ts';
import { httpSend } from '../http-send.ts';
import { type Finding, finding } from './finding.ts';
import { judgeConnectors, judgeDiagnosis } from './judge-diagnosis.ts';
import { judgeGateway } from './judge-gateway.ts';
import { certificateAt, knockHttp, knockPort, type Validity } from './knock.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const certificateWeakDays = 21;

/** Everything that can be looked at from here, each part by itself: what is away is said, and the rest is looked at all the same. */
export async function examine(context: CliContext): Promise<readonly Finding[]> {
  const parts = await Promise.all([
    examineStop(context),
    examineControl(context),
    examineGateway(context),
    examineTemporal(context),
    examineDirect(context),
    examineCertificates(context),
  ]);
  return parts.flat();
}

async function examineStop({ connection }: CliContext): Promise<readonly Finding[]> {
  const knocked = await knockHttp(httpSend, `${connection.stopUrl}/readyz`);
  if (knocked.kind === 'away')
    return [
      finding(
        'stop',
        'bad',
        `${connection.stopUrl}: ${knocked.why}`,
        'No stop is taken there: use `estop stop .. --direct`. Gateways fall silent with their lease.',
      ),
    ];
  const { status, latch, intake } = knocked.body;
  if (status === 'ready') return [finding('stop', 'ok', `${connection.stopUrl}: takes stops, on both roads`)];
  return [
    ...(latch === 'ok' ? [finding('stop', 'ok', `${connection.stopUrl}: latches in the store`)] : []),
    ...(latch === 'down'
      ? [finding('stop', 'bad', 'the latch cannot commit', 'Stops go through the intake and are answered `accepted`.')]
      : []),
    ...(intake === 'down'
      ? [
          finding(
            'stop',
            'weak',
            'the second road, through Temporal, is shut',
            'Without the store, no stop would be taken.',
          ),
        ]
      : []),
    ...(latch === undefined
      ? [finding('stop', 'bad', `HTTP ${knocked.status}, and not what a stop process says`)]
      : []),
  ];
}

async function examineControl(context: CliContext): Promise<readonly Finding[]> {
  const { connection } = context;
  const knocked = await knockHttp(httpSend, `${connection.controlUrl}/livez`);
  if (knocked.kind === 'away')
    return [
      finding(
        'control',
        'bad',
        `${connection.controlUrl}: ${knocked.why}`,
        'Nobody can look, decide or reset. Stops do not need it.',
      ),
      ...['store', 'gateways', 'connectors', 'notifications'].map((part) =>
        finding(part, 'unknown', 'only control could say'),
      ),
    ];
  try {
    const { estop } = context;
    const [{ diagnosis, answeredAt }, connectors] = await Promise.all([
      // Compared with the clock of that moment: the wait for the other answer is no clock that is off.
      estop.diagnosis().then((diagnosis) => ({ diagnosis, answeredAt: Date.now() })),
      estop.connectors.list().then(
        ({ items }) => judgeConnectors(items, Date.now()),
        () => [finding('connectors', 'unknown', 'control could not say')],
      ),
    ]);
    const isLocal = [connection.controlUrl, connection.stopUrl].every((url) => isThisMachine(new URL(url).hostname));
    return [...judgeDiagnosis(diagnosis, { isLocal, ownVersion: readVersion(), now: answeredAt }), ...connectors];
  } catch (thrown) {
    return [
      finding(
        'control',
        'unknown',
        `it answers, and not this token: ${errorCatalogue[errorCodeOf(thrown)].title}`,
        'The rest needs a token of an operator or admin (ESTOP_TOKEN).',
      ),
    ];
  }
}

async function examineGateway({ connection }: CliContext): Promise<readonly Finding[]> {
  return judgeGateway(connection.gatewayUrl, await knockHttp(httpSend, `${connection.gatewayUrl}/readyz`));
}

async function examineTemporal({ connection }: CliContext): Promise<readonly Finding[]> {
  const at = hostAndPort(connection.temporalAddress);
  if (at === undefined) return [];
  const why = await knockPort(at.host, at.port);
  return why === undefined
    ? [finding('temporal', 'ok', `${connection.temporalAddress}: listens`)]
    : [
        finding(
          'temporal',
          'weak',
          `${connection.temporalAddress}: ${why}, from here`,
          '`--direct` has one road left, into the store.',
        ),
      ];
}

/** The way past all of our processes, up to the latch itself, which is not called. */
async function examineDirect({ connection }: CliContext): Promise<readonly Finding[]> {
  if (connection.directUrl === undefined)
    return [
      finding(
        'direct',
        'weak',
        'ESTOP_DIRECT_URL is not set',
        '`estop stop .. --direct` has no way into the store from here.',
      ),
    ];
  const { mayLatchDirectly } = await import('../direct/may-latch.ts');
  const may = await mayLatchDirectly(connection.directUrl);
  switch (may) {
    case 'yes':
      return [finding('direct', 'ok', '`estop stop .. --direct` reaches the store and may latch')];
    case 'no':
      return [finding('direct', 'bad', 'the role of ESTOP_DIRECT_URL may not latch')];
    case 'away':
      return [
        finding(
          'direct',
          'bad',
          'the store is not reached from here',
          '`--direct` has one road left, the intake in Temporal.',
        ),
      ];
  }
}

async function examineCertificates({ connection }: CliContext): Promise<readonly Finding[]> {
  const urls = [connection.stopUrl, connection.controlUrl, connection.gatewayUrl].map((text) => new URL(text));
  const secure = urls
    .filter(({ protocol }) => protocol === 'https:')
    .map(({ hostname, port }) => ({ host: hostname.replaceAll(/[[\]]/g, ''), port: port === '' ? 443 : Number(port) }));
  const usesTls = Object.values(connection.temporalSecurity).some(
    (value) => value !== undefined && value !== '' && value !== 'no',
  );
  const temporal = usesTls ? hostAndPort(connection.temporalAddress) : undefined;
  const places = [
    ...new Map(
      [...secure, ...(temporal === undefined ? [] : [temporal])].map((at) => [`${at.host}:${at.port}`, at]),
    ).entries(),
  ];
  return Promise.all(
    places.map(async ([name, { host, port }]) => judgeCertificate(name, await certificateAt(host, port), Date.now())),
  );
}

export function judgeCertificate(name: string, validity: Validity | undefined, now: number): Finding {
  if (validity === undefined) return finding('certificates', 'unknown', `${name} shows none`);
  const left = validity.until.getTime() - now;
  const clock = `the clock of this machine says ${minute(new Date(now))}`;
  if (validity.from.getTime() > now)
    return finding('certificates', 'bad', `${name}: good from ${minute(validity.from)}; ${clock}`, eitherOfThem);
  if (left <= 0)
    return finding('certificates', 'bad', `${name}: ended ${minute(validity.until)}; ${clock}`, eitherOfThem);
  const days = Math.floor(left / dayMs);
  const more = days > 0 ? plural(days, 'more day') : plural(Math.floor(left / hourMs), 'more hour');
  return days < certificateWeakDays
    ? finding('certificates', 'weak', `${name}: good for ${more}`, 'Then nothing reaches it any more: renew it before.')
    : finding('certificates', 'ok', `${name}: good for ${more}`);
}

const minute = (at: Date): string => `${at.toISOString().slice(0, 16)}Z`;
const eitherOfThem = 'Nothing from here reaches it. Repair the time if that is wrong, else renew the certificate.';

function hostAndPort(address: string | undefined): { readonly host: string; readonly port: number } | undefined {
  const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(address ?? '');
  return match === null ? undefined : { host: match[1] ?? '', port: Number(match[2]) };
}

const isThisMachine = (host: string): boolean => host === 'localhost' || host === '[::1]' || host.startsWith('127.');
