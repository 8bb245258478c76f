import { expect, it, vi } from 'vitest';
import { createLogWriter, type Lost } from '../../src/runtime/log-writer.ts';
import { createRegistry } from '../../src/runtime/metrics/create-registry.ts';

/** A disk with so many bytes left on it, which writes what still fits of a line and then fails. */
function diskOf(bytes: number) {
  let room = bytes;
  let text = '';
  const told: Lost[] = [];
  const writer = createLogWriter({
    writeSome: (line) => {
      if (room === 0) throw new Error('ENOSPC');
      const fits = line.subarray(0, room);
      room -= fits.length;
      text += Buffer.from(fits).toString();
      return fits.length;
    },
    onTakesAgain: (lost) => {
      told.push(lost);
      writer.write('lost\n');
    },
  });
  return { writer, told, free: (more: number) => void (room += more), text: () => text };
}
const line = (index: number): string => `${JSON.stringify({ index, pad: 'x'.repeat(90) })}\n`;

it('writes a line that found room for its half to its end, and no other between', async () => {
  const disk = diskOf(150);
  for (const index of [0, 1, 2]) disk.writer.write(line(index));
  expect(disk.text()).toHaveLength(150);
  disk.free(10_000);
  await vi.waitFor(() => expect(disk.text()).toBe([0, 1, 2].map(line).join('')));
  disk.writer.write(line(3));
  expect(disk.text()).toBe([0, 1, 2, 3].map(line).join(''));
});

it('keeps no more than a few lines that wait, counts the others, and says how many once there is room again', async () => {
  const registry = createRegistry('a test');
  const counted = async () => /^estop_log_lines_lost_total.* (\d+)$/m.exec(await registry.metrics())?.[1];
  const before = Number(await counted());
  const disk = diskOf(0);
  const begun = Date.now();
  for (let index = 0; index < 5_000; index += 1) disk.writer.write(line(index));
  expect(disk.told).toEqual([]);
  disk.free(10_000_000);
  await vi.waitFor(() => expect(disk.told).toHaveLength(1));
  disk.writer.write(line(9_999));
  const lines = disk.text().trimEnd().split('\n');
  const kept = lines.length - 2;
  expect(kept).toBeLessThan(700);
  expect(lines).toEqual(
    [...Array.from({ length: kept }, (_, index) => index).map(line), 'lost\n', line(9_999)].map((one) => one.trimEnd()),
  );
  expect(disk.told).toEqual([{ lines: 5_000 - kept, since: expect.any(Date) }]);
  expect(disk.told[0]?.since.getTime()).toBeGreaterThanOrEqual(begun);
  expect(Number(await counted()) - before).toBe(5_000 - kept);
  // Said once.
  disk.writer.write(line(10_000));
  expect(disk.told).toHaveLength(1);
});
