import type { ConnectorReadiness } from '../../contract/http/connectors.ts';
import type { Diagnosis } from '../../contract/http/diagnosis.ts';
import { leaseMs } from '../../contract/numbers.ts';
import { plural } from '../../contract/plural.ts';
import { type Finding, finding } from './finding.ts';

const skewWeakMs = 2_000;
const skewBadMs = 60_000;
const drainLateMs = 120_000;

interface Circumstances {
  /** Everything is on this machine: then what only matters between machines is no weakness. */
  readonly isLocal: boolean;
  readonly ownVersion: string;
  readonly now: number;
}

/** What control says, judged. Pure. */
export function judgeDiagnosis(diagnosis: Diagnosis, circumstances: Circumstances): readonly Finding[] {
  const { isLocal, ownVersion, now } = circumstances;
  const { store, temporal, version } = diagnosis;
  return [
    version === ownVersion
      ? finding('control', 'ok', `version ${version}, environment ${diagnosis.environment}`)
      : finding('control', 'weak', `version ${version}, this program ${ownVersion}`, 'Update the older of the two.'),
    judgeSkew('clock', 'this machine and control', Date.parse(diagnosis.now) - now),
    temporal === null
      ? finding(
          'temporal',
          'bad',
          'control does not reach it',
          'Stops latch and fence; nothing is halted or cut until it is back.',
        )
      : finding('temporal', 'ok', `server ${temporal.version}`),
    ...(store === null
      ? [
          finding(
            'store',
            'bad',
            'control does not reach it',
            'Stops go through the intake and are answered `accepted`.',
          ),
        ]
      : judgeStore(store, diagnosis, isLocal)),
    judgeSignIn(diagnosis.identityProvider, isLocal),
    judgeNotifications(diagnosis.notifications),
  ];
}

function judgeStore(
  store: NonNullable<Diagnosis['store']>,
  diagnosis: Diagnosis,
  isLocal: boolean,
): readonly Finding[] {
  const live = store.gateways.filter(({ leaseMs: left }) => left > 0);
  const behind = store.migrationsWanted - store.migrations;
  return [
    finding('store', 'ok', `PostgreSQL ${store.version}`),
    behind === 0
      ? finding('store', 'ok', plural(store.migrations, 'migration'))
      : finding(
          'store',
          'bad',
          `${plural(store.migrations, 'migration')}, this version has ${store.migrationsWanted}`,
          behind > 0 ? 'Run the provisioning.' : 'The program is older than the store: update it.',
        ),
    judgeSkew('clock', 'control and the store', Date.parse(store.now) - Date.parse(diagnosis.now)),
    ...(store.isReplica
      ? [finding('store', 'bad', 'it is a replica that takes no writes', 'Nothing can be latched there.')]
      : []),
    ...(store.fsync
      ? []
      : [finding('store', 'bad', 'fsync is off', 'A stop that was acknowledged can be lost with the power.')]),
    ...(store.fullPageWrites
      ? []
      : [finding('store', 'weak', 'full_page_writes is off', 'A torn page can lose what was written.')]),
    ...(store.synchronousCommit === 'off'
      ? [
          finding(
            'store',
            'bad',
            'synchronous_commit is off by default',
            'The latch asks for it itself; everything else may be lost after its answer.',
          ),
        ]
      : []),
    store.synchronousStandbys === ''
      ? finding('store', isLocal ? 'note' : 'weak', 'no synchronous standby', 'A stop is as safe as one disk.')
      : finding('store', 'ok', `commits wait for ${store.synchronousStandbys}`),
    store.beatAgeMs < leaseMs
      ? finding('latch', 'ok', `last seen to commit ${seconds(store.beatAgeMs)} ago`)
      : finding(
          'latch',
          'bad',
          `not seen to commit for ${seconds(store.beatAgeMs)}`,
          'No gateway keeps its lease; order stops with --direct.',
        ),
    store.drainAgeMs < drainLateMs
      ? finding('intake', 'ok', `read to its end ${seconds(store.drainAgeMs)} ago`)
      : finding(
          'intake',
          'bad',
          `not read to its end for ${seconds(store.drainAgeMs)}`,
          'Orders may wait there; gateways with a gap admit nothing.',
        ),
    live.length > 0
      ? finding(
          'gateways',
          'ok',
          `${live.length} with a lease, the shortest for ${seconds(Math.min(...live.map((one) => one.leaseMs)))} more`,
        )
      : finding('gateways', 'bad', 'none holds a lease', 'No agent can call anything.'),
    ...store.gateways
      .filter(({ leaseMs: left }) => left <= 0)
      .map(({ address, leaseMs: left }) =>
        finding('gateways', 'weak', `${address}: its lease ran out ${seconds(-left)} ago`),
      ),
  ];
}

/** Whether each could be cut off now. */
export const judgeConnectors = (connectors: readonly ConnectorReadiness[], now: number): readonly Finding[] =>
  connectors.length === 0
    ? [finding('connectors', 'note', 'none is configured')]
    : connectors.map((connector) => {
        const { connectorId, system, ready, findings, lastDrill } = connector;
        const says = [`${connectorId} (${system})`, ...findings].join('; ');
        if (ready === 'yes' && lastDrill?.state === 'failed')
          return finding(
            'connectors',
            'weak',
            `${says}: its last drill failed`,
            `See \`estop connector show ${connectorId}\`.`,
          );
        if (ready === 'yes' && isOverdue(connector, now))
          return finding(
            'connectors',
            'weak',
            `${says}: no drill was proved for twice as long as its schedule says`,
            `See \`estop connector show ${connectorId}\`.`,
          );
        if (ready === 'yes') return finding('connectors', 'ok', `${says}: can cut off now`);
        if (ready === 'no') return finding('connectors', 'bad', says, 'A stop of its agents would stay unproved.');
        return finding('connectors', 'unknown', `${says}: nobody has asked it lately`, 'Does the control worker run?');
      });

/** Where none was ever proved, it is the first that is over and proved nothing. */
const isOverdue = ({ drillEveryMs, drillProvedAt, lastDrill }: ConnectorReadiness, now: number): boolean =>
  drillEveryMs !== null &&
  (drillProvedAt === null ? lastDrill?.state === 'impossible' : now - Date.parse(drillProvedAt) > 2 * drillEveryMs);

function judgeSignIn(provider: Diagnosis['identityProvider'], isLocal: boolean): Finding {
  switch (provider) {
    case 'answers':
      return finding('sign-in', 'ok', 'people sign in with an identity provider, which answers');
    case 'away':
      return finding(
        'sign-in',
        'weak',
        'the identity provider does not answer',
        'Nobody new gets in. Whoever is signed in goes on, and stops things; so does a token of the file.',
      );
    case 'none':
      return finding(
        'sign-in',
        isLocal ? 'note' : 'weak',
        'no identity provider: links and tokens only',
        'Who left the company keeps what they hold.',
      );
  }
}

function judgeNotifications({ endpoints, failedLately, failing }: Diagnosis['notifications']): Finding {
  if (endpoints === 0) return finding('notifications', 'note', 'nobody is told of anything');
  if (failedLately === null)
    return finding('notifications', 'unknown', `${plural(endpoints, 'endpoint')}; nobody can say what arrived`);
  if (failedLately > 0)
    return finding(
      'notifications',
      'weak',
      `${plural(failedLately, 'delivery was', 'deliveries were')} given up within the hour`,
      'See `estop notify ls`.',
    );
  if (failing !== null && failing.length > 0)
    return finding(
      'notifications',
      'weak',
      `${failing.join(', ')}: ${failing.length === 1 ? 'does' : 'do'} not take what there is to tell; it is still being tried`,
      'See `estop notify ls`, and try one with `estop notify test`.',
    );
  return finding('notifications', 'ok', plural(endpoints, 'endpoint'));
}

export function judgeSkew(part: string, between: string, skewMs: number): Finding {
  const says = `${between} differ by ${seconds(Math.abs(skewMs))}`;
  if (Math.abs(skewMs) >= skewBadMs)
    return finding(part, 'bad', says, 'Tokens and signatures are refused. Repair the time.');
  return finding(part, Math.abs(skewMs) >= skewWeakMs ? 'weak' : 'ok', says);
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
