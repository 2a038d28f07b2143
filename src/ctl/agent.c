/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ctl/agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/macro.h"

#define PKTTYAGENT "/usr/bin/pkttyagent"

/* It has to be known to polkit before we ask for anything, in ms. */
#define START_TIMEOUT 10000

static pid_t agent = 0;

/* In the child. The agent is ours, and goes when we do, however that happens. */
static void exec_agent(int notify_fd, pid_t parent) {
        char number[16];

        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent ||
                        fcntl(notify_fd, F_SETFD, 0) < 0)
                _exit(EXIT_FAILURE);

        (void) snprintf(number, sizeof(number), "%d", notify_fd);
        (void) execl(PKTTYAGENT, PKTTYAGENT, "--notify-fd", number, (char *) NULL);
        _exit(EXIT_FAILURE);
}

void agent_open(void) {
        _cleanup_(closep) int ours = -1, theirs = -1;
        pid_t parent = getpid();
        int fds[2];

        if (agent > 0 || geteuid() == 0 || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) ||
                        access(PKTTYAGENT, X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return;
        ours = fds[0];
        theirs = fds[1];

        agent = fork();
        if (agent == 0)
                exec_agent(theirs, parent);

        /* It closes its end when it is ready, and if it ends. */
        (void) close(TAKE_FD(theirs));
        if (agent > 0)
                (void) poll(&(struct pollfd){ .fd = ours, .events = POLLIN }, 1, START_TIMEOUT);
}

void agent_close(void) {
        if (agent <= 0)
                return;

        (void) kill(agent, SIGTERM);
        (void) kill(agent, SIGCONT);
        while (waitpid(agent, NULL, 0) < 0 && errno == EINTR)
                ;
        agent = 0;
}
