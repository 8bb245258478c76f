import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A screenshot with at most 256 colours: pages of text and flat areas lose nothing that an eye finds, and four fifths of their bytes. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png);
  const palette = mostUsed(pixels);
  const nearest = nearestIn(palette);
  const rows = Buffer.alloc(height * (width + 1)); // the first byte of a row, 0, says that it is not filtered
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = nearest(pixels[y * width + x] ?? 0);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(data.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(crc32(named), named.length + 4);
  return out;
}

interface Picture {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB, row by row. */
  readonly pixels: Uint32Array;
}

/** What Chromium writes: 8 bits a channel, with or without alpha, not interlaced. */
function decode(png: Buffer): Picture {
  const parts: Buffer[] = [];
  let [width, height, channels] = [0, 0, 0];
  for (let at = signature.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') {
      width = data.readUInt32BE(0);
      height = data.readUInt32BE(4);
      channels = data[9] === 6 ? 4 : 3;
      if (data[8] !== 8 || (data[9] !== 6 && data[9] !== 2) || data[12] !== 0) throw new Error('a PNG of another kind');
    }
    if (type === 'IDAT') parts.push(data);
    at += length + 12;
  }
  const raw = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  const pixels = Uint32Array.from({ length: width * height }, (_, index) => {
    const at = index * channels;
    return ((raw[at] ?? 0) << 16) | ((raw[at + 1] ?? 0) << 8) | (raw[at + 2] ?? 0);
  });
  return { width, height, pixels };
}

function unfiltered(data: Buffer, stride: number, height: number, channels: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = data[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x += 1) {
      const left = x < channels ? 0 : (out[y * stride + x - channels] ?? 0);
      const up = y === 0 ? 0 : (out[(y - 1) * stride + x] ?? 0);
      const corner = x < channels || y === 0 ? 0 : (out[(y - 1) * stride + x - channels] ?? 0);
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      out[y * stride + x] = (data[y * (stride + 1) + 1 + x] ?? 0) + guess;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** The colours that most pixels have, where shades that differ by less than a sixteenth count as one. */
function mostUsed(pixels: Uint32Array): readonly number[] {
  const exact = new Map<number, number>();
  for (const pixel of pixels) exact.set(pixel, (exact.get(pixel) ?? 0) + 1);
  const byUse = [...exact].sort(([, one], [, other]) => other - one);
  const shades = new Set<number>();
  const palette: number[] = [];
  for (const [pixel] of byUse) {
    const shade = pixel & 0xf8f8f8;
    if (palette.length >= 32 && shades.has(shade)) continue;
    shades.add(shade);
    palette.push(pixel);
    if (palette.length === 256) break;
  }
  return palette;
}

function nearestIn(palette: readonly number[]): (pixel: number) => number {
  const known = new Map(palette.map((pixel, index) => [pixel, index]));
  return (pixel) => {
    const found = known.get(pixel);
    if (found !== undefined) return found;
    let best = 0;
    let least = Infinity;
    palette.forEach((colour, index) => {
      const [r, g, b] = [16, 8, 0].map((shift) => ((pixel >> shift) & 255) - ((colour >> shift) & 255));
      const distance = (r ?? 0) ** 2 + (g ?? 0) ** 2 + (b ?? 0) ** 2;
      if (distance >= least) return;
      least = distance;
      best = index;
    });
    known.set(pixel, best);
    return best;
  };
}
