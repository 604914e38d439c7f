/** The machine around a card: memory, interrupts, guests, hypervisor, sysfs. It knows no card. */
export { AddressSpace, DmaRegion } from './address-space.ts';
export { BarWindow, DeviceHandle, type DeviceHandleParts } from './device-handle.ts';
export { GUEST_FIRST_FREE, type GuestMemory, type GuestMemoryOptions, Hypervisor } from './hypervisor.ts';
export { InterruptController, MESSAGE_ADDRESS } from './interrupt-controller.ts';
export { HostMemory, type MemoryMapOptions, MMIO_HIGH, MMIO_LOW } from './memory-map.ts';
export { SoftwareError } from './software-error.ts';
export { Sysfs, type SysfsAttribute } from './sysfs.ts';
export { WriteWatch } from './write-watch.ts';
