"""Which words are programs: the ones that stand in an attack on a shell, and how far each is also a word of English."""

from __future__ import annotations

PROGRAMS = frozenset(
    # POSIX, GNU and BSD tools, by what an attacker wants of them: to look around, ...
    "id whoami uname hostname hostid ifconfig ip netstat ss ps pwd ls dir env printenv lsof lsb_release lscpu lsblk "
    "dmesg uptime arp getent groups logname finger last lastlog w who users df du mount "
    # ... to read and to write files, ...
    "cat tac nl head tail less more od xxd hexdump strings base64 base32 grep egrep fgrep sed awk gawk cut sort uniq "
    "tr rev wc find locate which whereis file stat cp mv rm ln mkdir rmdir touch chmod chown chattr dd tee tar gzip "
    "gunzip zip unzip bzip2 xz shred truncate printf echo "
    # ... to reach another machine, ...
    "curl wget fetch nc ncat netcat socat telnet ssh scp sftp ftp tftp rsync nslookup dig host ping ping6 traceroute "
    "nmap tcpdump iptables mail sendmail mailx "
    # ... to run something else, and to stay.
    "sh bash zsh ksh csh tcsh dash ash fish busybox perl python python2 python3 ruby php node lua tclsh expect gcc cc "
    "make java eval exec source command builtin nohup setsid timeout xargs sudo su doas passwd useradd adduser usermod "
    "crontab at kill killall pkill shutdown reboot halt poweroff init systemctl service screen tmux script strace gdb "
    "vi vim ed nano git svn docker kubectl apt apt-get yum dnf pip npm sleep time date cal test export set unset "
    "history alias read wait trap true false yes sqlite3 mysql psql openssl gpg usleep "
    # Windows
    "cmd powershell pwsh ipconfig systeminfo tasklist taskkill net net1 netsh nbtstat route reg regedit sc schtasks "
    "wmic type copy xcopy robocopy del erase rd md ren move attrib cacls icacls certutil bitsadmin mshta rundll32 "
    "regsvr32 cscript wscript ver vol findstr tree assoc ftype whoami.exe cmd.exe powershell.exe ping.exe net.exe "
    "query quser qwinsta start".split()
)

PLAIN = frozenset(
    # These are also words of prose, so what stands behind one must look like a shell's too.
    "ip dir last w who users mount head tail less more cut sort find locate which file stat touch zip printf echo "
    "fetch host mail make java exec source command at kill service screen script ed set test time date cal export "
    "history alias read wait trap true false yes net route reg type copy del move query start tree ver vol sc md rd "
    "ren assoc less expect node strings fish dash set eval sleep timeout apt init halt env groups finger more true "
    "false id cat less ln vi nl cc df du ss ps nc cp mv tr od dd wc su sed tac rev rm".split()
)

ALONE = frozenset(
    # Behind a separator and with nothing after it, even these say enough.
    "id ls dir ps cat env ip df du ss w who date ver nc su sh rm wc set vol sleep reboot halt shutdown time test "
    "history users last".split()
)

UNMISTAKABLE = frozenset(
    "whoami uname ifconfig netstat printenv lsof lsb_release dmesg ipconfig systeminfo tasklist taskkill nslookup "
    "traceroute xxd hexdump curl wget netcat ncat socat telnet powershell pwsh certutil bitsadmin mshta rundll32 "
    "regsvr32 wmic schtasks nbtstat cscript wscript chmod chown chattr crontab iptables nmap tcpdump busybox "
    "useradd adduser usermod pkill killall systemctl whereis getent phpinfo setsid nohup cmd.exe powershell.exe "
    "net.exe ping.exe sqlite3 xcopy robocopy icacls cacls findstr netsh".split()
)
"""Words of no language but a shell's."""
