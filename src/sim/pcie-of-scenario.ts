import type { NicProfile } from '../nic/index.ts';
import {
  acs,
  CAP_PCI_EXPRESS,
  type Capability,
  type FunctionProfile,
  flitModeOf,
  LINK_ACTIVE_REPORTING,
  LINK_STATUS_ACTIVE,
  type LinkRate,
} from '../pcie/index.ts';
import { CardSwitch, linkAbilities, PORT_CAPABILITIES } from './card-switch.ts';
import type { MachineProfiles, PcieMachineParts, PcieParts } from './pcie-parts.ts';
import { linkLimits, resolvePcie } from './scenario-pcie.ts';
import type { ResolvedPcie } from './scenario-resolved.ts';

/** What a root port can: 64 GT/s, 32 lanes. */
const ROOT_ABILITIES = linkAbilities(6, 32);

/**
 * What makes the key `pcie` of a scenario: another generation, width and sizes of the card's link, and a switch between root port
 * and card. A program gives it to those that are to know that key; the command line has it.
 *
 * @example
 * import { createMachine } from 'sriovsim';
 * import { pcieParts } from 'sriovsim/scenario';
 *
 * const machine = createMachine({ pcie: { generation: 1, switch: { latencyNs: 150 } }, pcieParts });
 * machine.simulation.machine.pfPath; // '0000:03:00.0'
 */
export const pcieParts: PcieParts = { resolve: resolvePcie, apply };

function apply<T extends MachineProfiles>(parts: T, pcie: ResolvedPcie): T & PcieMachineParts {
  const { hostProfile, nicProfile } = parts;
  const { maxPayloadBytes, maxReadRequestBytes, readCompletionBoundary } = pcie;
  const sizes = { maxPayloadBytes, maxReadRequestBytes };
  const rootRate = pcie.switch ?? pcie;
  const port = {
    ...ROOT_ABILITIES,
    linkCapabilities: ROOT_ABILITIES.linkCapabilities | LINK_ACTIVE_REPORTING,
    linkStatus: linkRegister(rootRate) | LINK_STATUS_ACTIVE,
    deviceCapabilities: PORT_CAPABILITIES,
  };
  return {
    ...parts,
    given: { hostProfile, nicProfile },
    hostProfile: Object.freeze({
      ...hostProfile,
      ...sizes,
      readCompletionBoundary,
      rootCredits: Object.freeze({ ...hostProfile.rootCredits, ...pcie.rootCredits }),
    }),
    nicProfile: Object.freeze({ ...nicProfile, ...sizes, ...linkOf(nicProfile, pcie) }),
    ...(pcie.switch === undefined
      ? { rootPort: port }
      : { rootPort: { ...port, extraCapabilities: [acs()] }, between: new CardSwitch(pcie, pcie.switch) }),
  };
}

/** The link of a card, and what its functions say of it. */
function linkOf(
  card: NicProfile,
  { generation, lanes }: ResolvedPcie,
): Pick<NicProfile, 'pcie' | 'functions'> {
  const rate = { generation, lanes };
  return {
    pcie: Object.freeze({ ...card.pcie, rate, ...flitModeOf(generation) }),
    functions: card.functions.map((fn) => trained(fn, rate, linkRegister(linkLimits(card)))),
  };
}

/** Speed and width as Link Capabilities and Link Status have them. */
export function linkRegister({ generation, lanes }: LinkRate): number {
  return (lanes << 4) | generation;
}

/** A function whose Link Capabilities and Link Status say so. */
function trained(fn: FunctionProfile, rate: LinkRate, most: number): FunctionProfile {
  const capabilities = fn.capabilities.map((each) =>
    each.id === CAP_PCI_EXPRESS && !each.extended ? trainedCapability(each, rate, most) : each,
  );
  return { ...fn, capabilities };
}

function trainedCapability(
  capability: Capability,
  { generation, lanes }: LinkRate,
  most: number,
): Capability {
  const current: Readonly<Record<string, number>> = {
    'Current Link Speed': generation,
    'Negotiated Link Width': lanes,
  };
  return {
    ...capability,
    rows: (context) =>
      capability.rows(context).map((row) => {
        if (row.name === 'Link Capabilities')
          return { ...row, reset: (((row.reset ?? 0) & ~0x3ff) | most) >>> 0 };
        if (row.name !== 'Link Status' || context.virtual) return row;
        const fields = row.fields?.map((field) => ({ ...field, reset: current[field.name] ?? field.reset }));
        return { ...row, fields };
      }),
  };
}
