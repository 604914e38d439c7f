/**
 * Where the frames of a VPort go, before anybody's filters are asked:
 *
 * - 'default': as {@link NicSwitch.setLoopback} says for the switch,
 * - 'veb': to VPorts, and to the wire what no VPort alone is meant by (IEEE 802.1Q, virtual edge bridge),
 * - 'vepa': all to the wire; the adjacent bridge sends back what is for a VPort (IEEE 802.1Qbg),
 * - 'port': all to the wire, and nothing is expected back,
 * - a VPort: all to that one, whatever its filters are, and with `port` to the wire as well.
 */
export type ForwardingMode =
  | 'default'
  | 'veb'
  | 'vepa'
  | 'port'
  | { readonly vport: number; readonly port?: boolean };

/**
 * Who exchanges frames with whom: a private VPort with the wire, with promiscuous VPorts and with the default
 * VPort, and with nobody else; a shared one with all but the private ones; a promiscuous one with all. As
 * isolated, community and promiscuous ports of a private VLAN; 'private' is also what it is among the modes
 * of Linux's macvlan: no frames to siblings, even if the adjacent bridge would send them back.
 */
export type VPortIsolation = 'shared' | 'private' | 'promiscuous';

/** Words of {@link SwitchTables.forwarding}; from 0 on, the number of a VPort. */
export const AS_SWITCH = -1;
export const VEB = -2;
export const VEPA = -3;
export const TO_PORT = -4;
/** To a VPort that is no more. */
export const NOWHERE = -5;
/** Beside the number of a VPort: to the wire as well. */
export const AND_PORT = 1 << 24;
