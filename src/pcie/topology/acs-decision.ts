import { ACS_CAPABILITY, ACS_CONTROL, ACS_EGRESS_VECTOR, AcsService } from '../capabilities/acs.ts';
import { CAP_PCI_EXPRESS, ECAP_ACS } from '../capabilities/ids.ts';
import { PCIE_LINK_CAPABILITIES } from '../capabilities/pci-express.ts';
import type { PcieFunction } from '../function.ts';

/** Where a request for a peer goes: to the peer, up to the root complex, or nowhere as an ACS Violation. */
export type PeerRoute = 'direct' | 'redirect' | 'violation';

/** The {@link AcsService} bits that are on in a port or a function; 0 where it has none. */
export function enabledServices(fn: PcieFunction): number {
  const at = fn.findExtendedCapability(ECAP_ACS);
  return at === 0 ? 0 : fn.config.read16(at + ACS_CONTROL);
}

/**
 * What a port, or a function of a device with several, does with a request for a peer (PCIe 3.0 6.12.3).
 *
 * @param peer number of the peer in the Egress Control Vector: a port's Port Number, or a function number.
 * @param isTranslated the request brings an address that has been translated.
 */
export function requestToPeer(fn: PcieFunction, peer: number, isTranslated: boolean): PeerRoute {
  const on = enabledServices(fn);
  if (isTranslated && (on & AcsService.directTranslated) !== 0) return 'direct';
  const isRedirecting = (on & AcsService.requestRedirect) !== 0;
  if ((on & AcsService.egressControl) === 0) return isRedirecting ? 'redirect' : 'direct';
  if (!inEgressVector(fn, peer)) return 'direct';
  return isRedirecting ? 'redirect' : 'violation';
}

/** What it does with a completion for a peer: those with Relaxed Ordering are never redirected (6.12.1.1). */
export function completionToPeer(fn: PcieFunction, relaxedOrdering: boolean): 'direct' | 'redirect' {
  const isRedirecting = (enabledServices(fn) & AcsService.completionRedirect) !== 0;
  return isRedirecting && !relaxedOrdering ? 'redirect' : 'direct';
}

/** Port Number of Link Capabilities: the port's bit in the Egress Control Vectors of its peers. */
export function portNumberOf(port: PcieFunction): number {
  return port.config.read8(port.findCapability(CAP_PCI_EXPRESS) + PCIE_LINK_CAPABILITIES + 3);
}

function inEgressVector(fn: PcieFunction, peer: number): boolean {
  const at = fn.findExtendedCapability(ECAP_ACS);
  const size = fn.config.read8(at + ACS_CAPABILITY + 1) || 256;
  if (peer >= size) return false;
  return ((fn.config.read8(at + ACS_EGRESS_VECTOR + (peer >> 3)) >> (peer & 7)) & 1) !== 0;
}
