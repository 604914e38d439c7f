import { checkOneOf } from '../base/index.ts';
import {
  type AerOptions,
  aer,
  ari,
  type BarDefinition,
  type Capability,
  deviceSerialNumber,
  type FunctionProfile,
  type MsixOptions,
  msi,
  msix,
  type PciExpressOptions,
  type PowerManagementOptions,
  pciExpress,
  powerManagement,
  type SriovOptions,
  sriov,
} from '../pcie/index.ts';

/** Where a card has the capabilities that every one has. VFs have theirs at the same places. */
export interface CapabilityPlaces {
  readonly powerManagement: number;
  readonly msi: number;
  readonly msix: number;
  readonly express: number;
  readonly aer: number;
  readonly serial: number;
  readonly ari: number;
  readonly sriov: number;
}

/** The places of Intel's Ethernet controllers. */
export const INTEL_PLACES: CapabilityPlaces = {
  powerManagement: 0x40,
  msi: 0x50,
  msix: 0x70,
  express: 0xa0,
  aer: 0x100,
  serial: 0x140,
  ari: 0x150,
  sriov: 0x160,
};

/** A PF of an Ethernet card, and its VFs, by what sets them apart from others; each part without its place. */
export interface CardFunction {
  readonly title: string;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision: number;
  /** Of the subsystem, whose vendor is that of the card. */
  readonly subsystemId: number;
  readonly bars: readonly BarDefinition[];
  readonly romBytes?: number;
  readonly places: CapabilityPlaces;
  readonly powerManagement: PowerManagementOptions;
  /** Vectors of MSI, with addresses of 64 bits; and whether they can be masked. */
  readonly msi: { readonly vectors: number; readonly maskable: boolean };
  readonly msix: MsixOptions;
  readonly express: PciExpressOptions;
  readonly aer?: AerOptions;
  readonly serial: string;
  readonly sriov: Omit<SriovOptions, 'vf'>;
  /** What else a PF has, with places. */
  readonly more?: readonly Capability[];
  readonly vf: {
    readonly title: string;
    readonly msix: MsixOptions;
    readonly aer?: AerOptions;
    readonly more?: readonly Capability[];
  };
}

/**
 * The PFs of a card, one a port.
 *
 * @param allowed with how many ports the card is made.
 * @param describe a PF by its function number.
 * @throws RangeError if there is no such card.
 */
export function cardFunctions(
  ports: number,
  allowed: readonly number[],
  describe: (number: number) => CardFunction,
): FunctionProfile[] {
  checkOneOf('ports', ports, allowed);
  return Array.from({ length: ports }, (_, number) => cardFunction(describe(number)));
}

function cardFunction(card: CardFunction): FunctionProfile {
  const { title, vendorId, deviceId, revision, subsystemId, bars, romBytes, places: at, vf } = card;
  const express = pciExpress({ at: at.express, version: 2, ...card.express });
  return Object.freeze<FunctionProfile>({
    title: `Ethernet controller: ${title}`,
    identity: {
      vendorId,
      deviceId,
      revision,
      classCode: 0x020000,
      subsystemVendorId: vendorId,
      subsystemId,
    },
    bars,
    romBytes,
    capabilities: inOrder([
      powerManagement({ at: at.powerManagement, ...card.powerManagement }),
      msi({ at: at.msi, address64: true, ...card.msi }),
      msix({ at: at.msix, ...card.msix }),
      express,
      aer({ at: at.aer, ...card.aer }),
      deviceSerialNumber({ at: at.serial, serial: card.serial }),
      ari({ at: at.ari }),
      sriov({
        at: at.sriov,
        ...card.sriov,
        vf: {
          title: `Ethernet controller: ${vf.title}`,
          capabilities: inOrder([
            msix({ at: at.msix, ...vf.msix }),
            express,
            aer({ at: at.aer, ...vf.aer }),
            ari({ at: at.ari }),
            ...(vf.more ?? []),
          ]),
        },
      }),
      ...(card.more ?? []),
    ]),
  });
}

/** Chains lead from each capability to the one at the next place. */
function inOrder(capabilities: readonly Capability[]): Capability[] {
  return [...capabilities].sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
}
