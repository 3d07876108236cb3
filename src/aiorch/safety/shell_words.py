"""Which words are programs: the ones that stand in an attack on a shell, and how far each is also a word of English."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PROGRAMS = _words(
    """
    adduser alias apt apt-get arp ash assoc at attrib awk base32 base64 bash bitsadmin builtin busybox bzip2
    cacls cal cat cc certutil chattr chmod chown cmd cmd.exe command copy cp crontab cscript csh curl cut
    dash date dd del df dig dir dmesg dnf doas docker du echo ed egrep env erase eval exec expect export
    false fetch fgrep file find findstr finger fish ftp ftype gawk gcc gdb getent git gpg grep groups gunzip
    gzip halt head hexdump history host hostid hostname icacls id ifconfig init ip ipconfig iptables java
    kill killall ksh kubectl last lastlog less ln locate logname ls lsb_release lsblk lscpu lsof lua mail
    mailx make md mkdir more mount move mshta mv mysql nano nbtstat nc ncat net net.exe net1 netcat netsh
    netstat nl nmap node nohup npm nslookup od openssl passwd perl php ping ping.exe ping6 pip pkill
    poweroff powershell powershell.exe printenv printf ps psql pwd pwsh python python2 python3 query quser
    qwinsta rd read reboot reg regedit regsvr32 ren rev rm rmdir robocopy route rsync ruby rundll32 sc
    schtasks scp screen script sed sendmail service set setsid sftp sh shred shutdown sleep socat sort
    source sqlite3 ss ssh start stat strace strings su sudo svn systemctl systeminfo tac tail tar taskkill
    tasklist tclsh tcpdump tcsh tee telnet test tftp time timeout tmux touch tr traceroute trap tree true
    truncate type uname uniq unset unzip uptime useradd usermod users usleep ver vi vim vol w wait wc wget
    whereis which who whoami whoami.exe wmic wscript xargs xcopy xxd xz yes yum zip zsh
    """
)
"""What an attacker would run: to look around, to read and write files, to reach other machines, to run something else
and to stay; of POSIX, GNU, BSD and Windows."""

PLAIN = _words(
    """
    alias apt assoc at cal cat cc command copy cp cut dash date dd del df dir du echo ed env eval exec
    expect export false fetch file find finger fish groups halt head history host id init ip java kill last
    less ln locate mail make md more mount move mv nc net nl node od printf ps query rd read reg ren rev rm
    route sc screen script sed service set sleep sort source ss start stat strings su tac tail test time
    timeout touch tr trap tree true type users ver vi vol w wait wc which who yes zip
    """
)
"""These are also words of prose, so what stands behind one must look like a shell's too."""

ALONE = _words(
    """
    cat date df dir du env halt history id ip last ls nc ps reboot rm set sh shutdown sleep ss su test time
    users ver vol w wc who
    """
)
"""Behind a separator and with nothing after it, even these say enough."""

UNMISTAKABLE = _words(
    """
    adduser bitsadmin busybox cacls certutil chattr chmod chown cmd.exe crontab cscript curl dmesg findstr
    getent hexdump icacls ifconfig ipconfig iptables killall lsb_release lsof mshta nbtstat ncat net.exe
    netcat netsh netstat nmap nohup nslookup phpinfo ping.exe pkill powershell powershell.exe printenv pwsh
    regsvr32 robocopy rundll32 schtasks setsid socat sqlite3 systemctl systeminfo taskkill tasklist tcpdump
    telnet traceroute uname useradd usermod wget whereis whoami wmic wscript xcopy xxd
    """
)
"""Words of no language but a shell's."""
