import pino from 'pino';
import { beforeAll, expect, it } from 'vitest';
import { leaseMs } from '../../src/contract/numbers.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { ledgerRound } from '../../src/workers/relay/ledger-round.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { addGateway, lapse, seenLongAgo, view } from '../store/gateway.ts';
import { type Ledger, makeLedger, stop } from '../store/ledger.ts';

requires()('a database clock that steps forward', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });

  it('expires no gateway before the relay itself has waited for one lease', async () => {
    const gatewayId = await addGateway(ledger);
    await view(ledger, gatewayId);
    const { stopId } = await stop(ledger, 'agent:stepped');
    let now = 5;
    const round = ledgerRound(ledger.as('estop_revoker'), pino({ level: 'silent' }), () => now);
    await round.run();
    // To the database it is a minute later: the lease is over, and so is one lease since first sight.
    await lapse(ledger, gatewayId);
    await seenLongAgo(ledger, stopId);
    const stage = async () => (await stopProgress(ledger.as('estop_control'), stopId))?.stage;
    now += leaseMs - 1;
    await round.run();
    expect(await stage()).toBe('latched');
    now += 1;
    await round.run();
    expect(await stage()).toBe('fenced');
  });
});
