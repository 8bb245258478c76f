import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readSettings } from '../../src/runtime/settings.ts';
import { aliasesOf, readComposition, readText } from './composition.ts';

const compose = readComposition();
const { services } = compose;
const processes = ['stop', 'control', 'gateway-1', 'gateway-2', 'trusted-worker', 'control-worker', 'agent-worker'];
const serviceOf = (name: string) => {
  const found = services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
};
const byText = (one: string | undefined, other: string | undefined): number => String(one).localeCompare(String(other));

describe('docker-compose.yml', () => {
  it('shows the figures of every process to whoever reads them, and to nobody else', () => {
    const scraped = z
      .object({
        scrape_configs: z.array(z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) })),
      })
      .parse(parse(readText('deploy/prometheus/prometheus.yml')));
    const targets = scraped.scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((one) => one.targets),
    );
    const shown = processes.flatMap((name) => {
      const { metricsBind, temporalMetricsBind } = readSettings(serviceOf(name).environment);
      const network = name === 'agent-worker' ? 'agent-figures' : 'figures';
      // The name is bound, so nothing answers on the networks that agent code is in.
      expect([name, metricsBind, aliasesOf(name, network)]).toEqual([
        name,
        `${name}-figures:9464`,
        [`${name}-figures`],
      ]);
      expect(compose.networks[network]?.internal).toBe(true);
      expect(serviceOf(name).ports.filter((mapping) => /946[45]/.test(mapping))).toEqual([]);
      return [metricsBind, ...(temporalMetricsBind === undefined ? [] : [`${name}-figures:9465`])];
    });
    expect(targets.toSorted(byText)).toEqual(shown.toSorted(byText));
    expect(processes.filter((name) => serviceOf(name).environment['ESTOP_TEMPORAL_METRICS'] !== undefined)).toEqual(
      processes.filter((name) => name.endsWith('-worker')),
    );
    const inNetwork = (network: string) =>
      Object.keys(services).filter((name) => serviceOf(name).networks.includes(network));
    expect(inNetwork('agent-figures')).toEqual(['agent-worker', 'prometheus']);
    expect(inNetwork('figures').toSorted()).toEqual(
      [...processes.filter((name) => name !== 'agent-worker'), 'prometheus'].toSorted(),
    );
    const { profiles, command = [], ports } = serviceOf('prometheus');
    expect([profiles, aliasesOf('prometheus', 'edge'), ports]).toEqual([
      ['figures'],
      ['prometheus-pages'],
      ['127.0.0.1:9090:9090'],
    ]);
    expect(command).toContain('--web.listen-address=prometheus-pages:9090');
  });
});
