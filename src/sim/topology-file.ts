import * as z from 'zod/mini';
import { CARD_CONFIGS } from '../profiles/card-configs.ts';
import { ScenarioError } from './scenario-error.ts';
import { flag, integer, list, object, oneOf, optional } from './scenario-fields.ts';
import { checkForm } from './scenario-parse.ts';

/** A root port, or a downstream port of a switch, and what is below it: a card, a switch, or nothing. */
export interface TopologyPort {
  /** Whether it has access control services. Default true. */
  readonly acs?: boolean | undefined;
  /** Whether it can forward ARI. Default true. */
  readonly ari?: boolean | undefined;
  /** A card below it. */
  readonly card?: string | undefined;
  /** Ports of the card, one PF each. Default: as most cards of the kind have. */
  readonly cardPorts?: number | undefined;
  /** Virtual Functions to enable in each PF of the card. Default 0. */
  readonly vfs?: number | undefined;
  /** The downstream ports of a switch below it. */
  readonly switch?: readonly TopologyPort[] | undefined;
}

/** A hierarchy in a file. */
export interface Topology {
  readonly rootPorts: readonly TopologyPort[];
  /** Whether the operating system turns on the access control services that isolate. Default true. */
  readonly enableAcs?: boolean | undefined;
}

const CARDS = CARD_CONFIGS.map(({ name }) => name);

const topologyPort: z.ZodMiniType<TopologyPort, TopologyPort> = z.lazy(() =>
  object({
    acs: optional(flag('Whether it has access control services.'), true),
    ari: optional(flag('Whether it can forward ARI.'), true),
    card: optional(oneOf(CARDS, 'A card below it.')),
    cardPorts: optional(integer([1, 8], 'Ports of the card, one PF each. Default: as most have.')),
    vfs: optional(integer([0, 65_535], 'Virtual Functions to enable in each PF of the card.'), 0),
    switch: optional(list(topologyPort, 'The downstream ports of a switch below it.')),
  }),
);

/** The form of a {@link Topology}. */
export const topologySchema: z.ZodMiniType<Topology, Topology> = object({
  rootPorts: list(topologyPort, 'The root ports, from device 1 on.'),
  enableAcs: optional(flag('Whether the operating system turns isolating services on.'), true),
});

/**
 * Checks a topology: its form, and what hangs together.
 *
 * @param json what `JSON.parse` returned.
 * @param source what it is called in errors.
 * @throws `ScenarioError` for the first thing that is wrong.
 * @example
 * ```ts
 * parseTopology({ rootPorts: [{ switch: [{ card: 'intel-82599', vfs: 2 }, { card: 'intel-i350' }] }] });
 * ```
 */
export function parseTopology(json: unknown, source = 'topology'): Topology {
  const topology = checkForm(topologySchema, json, source);
  checkPorts(topology.rootPorts, 31, 'rootPorts', source);
  return topology;
}

function checkPorts(ports: readonly TopologyPort[], most: number, path: string, source: string): void {
  const fail = (at: string, value: unknown, problem: string, allowed: string): never => {
    throw new ScenarioError({ source, path: at, value, problem, allowed });
  };
  if (ports.length === 0 || ports.length > most) {
    fail(path, ports, `has ${ports.length} ports`, `1 to ${most}`);
  }
  for (const [i, port] of ports.entries()) {
    const at = `${path}[${i}]`;
    const { card, cardPorts, vfs } = port;
    if (port.switch !== undefined) {
      if (card !== undefined) fail(`${at}.card`, card, 'stands beside a switch', 'one of them below a port');
      checkPorts(port.switch, 32, `${at}.switch`, source);
    }
    if (card === undefined) {
      for (const [key, value] of [
        ['cardPorts', cardPorts],
        ['vfs', vfs],
      ] as const) {
        if (value !== undefined)
          fail(`${at}.${key}`, value, 'stands without a card', 'only below a port with a card');
      }
      continue;
    }
    const config = CARD_CONFIGS.find(({ name }) => name === card)!;
    if (cardPorts !== undefined && !config.ports.includes(cardPorts)) {
      const allowed = [...config.ports].sort((a, b) => a - b).join(', ');
      fail(`${at}.cardPorts`, cardPorts, `${cardPorts} does not fit ${card}`, allowed);
    }
  }
}
