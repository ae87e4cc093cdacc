/* lwIP as the unit needs it: one thread, one stream, DHCP, DNS, no sockets. */
#ifndef CONDOCHARGE_LWIPOPTS_H
#define CONDOCHARGE_LWIPOPTS_H

#define NO_SYS 1
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_IPV6 0
#define LWIP_DHCP 1
#define LWIP_DNS 1
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_NETIF_LINK_CALLBACK 0
#define LWIP_STATS 0
#define SYS_LIGHTWEIGHT_PROT 0

#define MEM_ALIGNMENT 4
#define MEM_SIZE 8192
#define MEMP_NUM_TCP_PCB 4
#define MEMP_NUM_TCP_SEG 16
#define PBUF_POOL_SIZE 6
#define PBUF_POOL_BUFSIZE 1536
#define TCP_MSS 1024
#define TCP_SND_BUF 4096
#define TCP_SND_QUEUELEN 12
#define TCP_WND 2048
#define DNS_MAX_NAME_LENGTH 40

#endif
