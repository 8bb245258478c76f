import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

/** From the request to the first byte of the answer, through the gate and past it, one after the other. */
export const modelGate: Row = {
  name: 'model-gate',
  needs: 'bed',
  run: async (bed, { quick }): Promise<readonly Figure[]> => {
    const { taskId } = await bed.service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
    const { token } = await bed.operator.tasks.token(taskId);
    const { gatewayUrl } = bed.installation.profile;
    const [gated, direct]: [number[], number[]] = [[], []];
    const count = quick ? 200 : 1_000;
    for (let i = -20; i < count; i += 1) {
      const past = await firstByte(bed.model.baseUrl, 'nobody');
      const through = await firstByte(`${gatewayUrl}/v1`, token);
      if (i < 0) continue; // sockets, caches, compiled code
      direct.push(past);
      gated.push(through);
    }
    await bed.operator.stops.stop({ task: taskId }, { reason: 'bench' });
    const added = percentile(gated, 50) - percentile(direct, 50);
    return [
      figure({
        name: 'model gate adds to first byte p50',
        value: added,
        unit: 'ms',
        rival: percentile(direct, 50),
        rivalName: `the model asked directly; p99 through the gate ${percentile(gated, 99).toFixed(1)} ms`,
        bar: '<= 5 ms',
        holds: (value) => value <= 5,
      }),
    ];
  },
};

async function firstByte(baseUrl: string, token: string): Promise<number> {
  const begun = performance.now();
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'steps', messages: [{ role: 'user', content: 'bench '.repeat(100) }] }),
  });
  const taken = performance.now() - begun;
  const text = await response.text();
  if (!response.ok) throw new Error(`a model call was refused: ${response.status} ${text.slice(0, 200)}`);
  return taken;
}
