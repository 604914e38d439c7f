import {
  flag,
  integer,
  number,
  object,
  oneOf,
  oneOfNumbers,
  optional,
  type Schema,
} from './scenario-fields.ts';
import { LINK_LANES, PCIE_RANGES, TLP_SIZES } from './scenario-pcie.ts';
import type { CardSwitchOptions, PcieOptions, RootCreditOptions } from './scenario-types.ts';

/** A switch between root port and card, in a file. */
export const cardSwitchSchema: Schema<CardSwitchOptions> = object({
  forwarding: optional(
    oneOf(
      ['cut-through', 'store-and-forward'],
      'Whether TLPs go on after their header, or when they are whole.',
    ),
    'cut-through',
  ),
  latencyNs: optional(number(PCIE_RANGES.latencyNs, 'From then to the first symbol at the other port.'), 100),
  generation: optional(integer([1, 5], "Of the link to the root port. Default: as the card's, 5 at most.")),
  lanes: optional(oneOfNumbers(LINK_LANES, "Of that link. Default: as the card's.")),
  acs: optional(flag('Whether its downstream port has access control services.'), true),
});

/** Credits of the root port, in a file. */
export const rootCreditsSchema: Schema<RootCreditOptions> = object({
  postedHeaders: optional(integer(PCIE_RANGES.headers, 'Posted requests. Default: 96.')),
  postedData: optional(
    integer(PCIE_RANGES.data, 'Their payload in units of 16 bytes, at least maxPayloadBytes. Default: 896.'),
  ),
  nonPostedHeaders: optional(integer(PCIE_RANGES.headers, 'Read requests. Default: 96.')),
});

/** The links between root port and card, in a file. */
export const pcieSchema: Schema<PcieOptions> = object({
  generation: optional(integer(PCIE_RANGES.generation, "Generation of PCI Express. Default: the card's.")),
  lanes: optional(oneOfNumbers(LINK_LANES, "Lanes. Default: the card's.")),
  maxPayloadBytes: optional(oneOfNumbers(TLP_SIZES, 'Max_Payload_Size. Default: what card and host can.')),
  maxReadRequestBytes: optional(
    oneOfNumbers(TLP_SIZES, 'Max_Read_Request_Size. Default: what card and host can.'),
  ),
  readCompletionBoundary: optional(
    oneOfNumbers([64, 128], "Where the root complex cuts completions. Default: the host's."),
  ),
  rootCredits: optional(rootCreditsSchema),
  switch: optional(cardSwitchSchema),
});
