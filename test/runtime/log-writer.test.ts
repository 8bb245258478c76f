import { expect, it, vi } from 'vitest';
import { createLogWriter } from '../../src/runtime/log-writer.ts';

/** A disk with so many bytes left on it, which writes what still fits of a line and then fails. */
function diskOf(bytes: number) {
  let room = bytes;
  let text = '';
  const writer = createLogWriter((line) => {
    if (room === 0) throw new Error('ENOSPC');
    const fits = line.subarray(0, room);
    room -= fits.length;
    text += Buffer.from(fits).toString();
    return fits.length;
  });
  return { writer, free: (more: number) => void (room += more), text: () => text };
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

it('keeps no more than a few lines that wait, and goes on with what is said when there is room again', async () => {
  const disk = diskOf(0);
  for (let index = 0; index < 5_000; index += 1) disk.writer.write(line(index));
  disk.free(10_000_000);
  await vi.waitFor(() => expect(disk.text()).toContain('"index":0,'));
  disk.writer.write(line(9_999));
  const lines = disk.text().trimEnd().split('\n');
  expect(lines.length).toBeLessThan(700);
  expect(lines.map((one) => (JSON.parse(one) as { index: number }).index)).toEqual([
    ...Array.from({ length: lines.length - 1 }, (_, index) => index),
    9_999,
  ]);
});
