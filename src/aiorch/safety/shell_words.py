"""Which words are programs: the ones that stand in an attack on a shell, and how far each is also a word of English."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PROGRAMS = _words(
    """
    adduser alias apt apt-get arch arp ash assoc at attrib awk base32 base64 bash bitsadmin builtin
    busybox bzip2 cacls cal cat cc certutil chattr chmod chown cmd cmd.exe cmdkey comm command copy cp
    crontab cscript csh curl cut dash date dd del df diff dig dir dmesg dmidecode dnf doas docker
    driverquery du echo ed egrep env erase eval exec expand expect export false fetch fgrep file find
    findstr finger fish fold free fsutil ftp ftype gawk gcc gdb getent getmac git gpg gpresult grep groups
    gunzip gzip halt head help hexdump history host hostid hostname hostnamectl htop icacls id iex
    ifconfig init iostat ip ipconfig iptables irm iwr java jobs journalctl kill killall ksh kubectl last
    lastlog less ln locale locate logname ls lsb_release lsblk lscpu lsof lspci lsusb lua mail mailx make
    man md mkdir mkfifo mknod more mount move mshta msiexec mv mysql mysqldump nano nbtstat nc ncat net
    net.exe net1 netcat netsh netstat nl nltest nmap node nohup npm nslookup od openssl passwd paste perl
    php ping ping.exe ping6 pip pkill poweroff powershell powershell.exe printenv printf ps psql pstree
    pwd pwsh python python2 python3 query quser qwinsta rd read reboot reg regedit regsvr32 ren rev rm
    rmdir robocopy route rsync ruby runas rundll32 sc schtasks scp screen script sed sendmail service set
    setsid sftp sh shred shutdown sleep socat sort source sqlite3 ss ssh start stat strace strings stty su
    sudo svn sysctl systemctl systeminfo tac tail tar taskkill tasklist tclsh tcpdump tcsh tee telnet test
    tftp time timedatectl timeout tmux top touch tr traceroute tracert trap tree true truncate tty type
    ulimit umask uname uniq unset unzip uptime useradd usermod users usleep ver vi vim visudo vmstat vol
    vssadmin w wait wall wc wget whereis which who whoami whoami.exe wmic wscript xargs xcopy xxd xz yes
    yum zip zsh
    """
)
"""What an attacker would run: to look around, to read and write files, to reach other machines, to run something else
and to stay; of POSIX, GNU, BSD and Windows."""

PLAIN = _words(
    """
    alias apt arch assoc at cal cat cc comm command copy cp cut dash date dd del df diff dir du echo ed
    env eval exec expand expect export false fetch file find finger fish fold free groups halt head help
    history host id init ip java jobs kill last less ln locale locate mail make man md more mount move mv
    nc net nl node od paste printf query rd read reg ren rev rm route sc screen script sed service set
    sleep sort source ss start stat strings su tac tail test time timeout top touch tr trap tree true type
    umask users ver vi vol w wait wall wc which who yes zip
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

NUMBERED = _words("init kill sleep timeout")
"""What these do with a number alone; behind others of ``PLAIN`` it counts something: ``exam; test 1``."""

NAMES = _words(
    """
    bash cat date dig fish git halt history java last lua node perl php powershell python ruby set
    shutdown sleep svn test time users who zsh
    """
)
"""Words that stand second in titles of two words, and the names of languages, which stand beside each other."""

UNMISTAKABLE = _words(
    """
    adduser bitsadmin busybox cacls certutil chattr chmod chown cmd.exe cmdkey crontab cscript curl dmesg
    dmidecode driverquery findstr fsutil getent getmac gpresult hexdump hostnamectl htop icacls ifconfig
    iostat ipconfig iptables journalctl killall kubectl lsb_release lsof lspci lsusb mkfifo mknod mshta
    msiexec mysqldump nbtstat ncat net.exe netcat netsh netstat nltest nmap nohup nslookup phpinfo
    ping.exe pkill powershell powershell.exe printenv pstree pwsh regsvr32 robocopy rundll32 schtasks
    setsid socat sqlite3 stty systemctl systeminfo taskkill tasklist tcpdump telnet timedatectl traceroute
    tracert ulimit uname useradd usermod visudo vmstat vssadmin wget whereis whoami wmic wscript xcopy xxd
    """
)
"""Words of no language but a shell's."""
