package conformance

import (
	"context"
	"net"
	"os"
	"testing"

	api "github.com/containerd/containerd/api/services/snapshots/v1"
	_ "github.com/containerd/containerd/pkg/testutil" // has the flag -test.root
	"github.com/containerd/containerd/snapshots"
	"github.com/containerd/containerd/snapshots/proxy"
	"github.com/containerd/containerd/snapshots/testsuite"
	"google.golang.org/grpc"
)

func TestSnapshots(t *testing.T) {
	conn, err := grpc.Dial("unix://"+os.Getenv("STORE_SOCK"), grpc.WithInsecure(),
		grpc.WithContextDialer(func(ctx context.Context, a string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", os.Getenv("STORE_SOCK"))
		}))
	if err != nil {
		t.Fatal(err)
	}
	// Under this name the suite knows that folders of lower layers cannot be renamed.
	testsuite.SnapshotterSuite(t, "overlayfs", func(ctx context.Context, root string) (snapshots.Snapshotter, func() error, error) {
		return proxy.NewSnapshotter(api.NewSnapshotsClient(conn), "shoal-overlay"), nil, nil
	})
}
